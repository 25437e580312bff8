import { describe, expect, test } from 'vitest';
import type { Viewer } from '../../src/access/viewer.ts';
import { everybody } from '../../src/access/viewer.ts';
import { createPlaces } from '../../src/api/places.ts';

const named = (name: string): Viewer => ({
  ...everybody,
  kind: 'token',
  name,
});

describe('places that callers take', () => {
  test('one caller gets its share, and leaves the rest to others', () => {
    const places = createPlaces({ all: 5, each: 3 });
    const own = Array.from({ length: 4 }, () => places.take(named('one')));
    expect(own.map((leave) => leave !== undefined)).toEqual([true, true, true, false]);
    expect(places.take(named('two'))).toBeDefined();
    expect(places.take(named('three'))).toBeDefined();
    expect(places.take(named('four'))).toBeUndefined();
    own[0]?.();
    expect(places.take(named('four'))).toBeDefined();
  });

  test('a place is given back once', () => {
    const places = createPlaces({ all: 2, each: 2 });
    const leave = places.take(named('one'));
    expect(places.take(named('one'))).toBeDefined();
    leave?.();
    leave?.();
    expect(places.take(named('one'))).toBeDefined();
    expect(places.take(named('one'))).toBeUndefined();
  });

  test('a token and a subject of one name are two callers', () => {
    const places = createPlaces({ all: 4, each: 1 });
    expect(places.take(named('x'))).toBeDefined();
    expect(places.take({ ...named('x'), kind: 'subject' })).toBeDefined();
  });

  test('while logins are off one caller may take all', () => {
    const places = createPlaces({ all: 3, each: 1 });
    const taken = Array.from({ length: 4 }, () => places.take(everybody) !== undefined);
    expect(taken).toEqual([true, true, true, false]);
  });
});
