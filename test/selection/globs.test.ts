import { describe, expect, test } from 'vitest';
import { globMaxLength, matchesGlobs, parseGlob } from '../../src/selection/globs.ts';
import { scopeBelow, targetName } from '../../src/selection/rule-target.ts';

function matches(glob: string, name: string): boolean {
  const parsed = parseGlob(glob);
  if ('mistake' in parsed) throw new Error(parsed.mistake);
  return matchesGlobs([parsed], name);
}

test.each([
  ['**', 'a', true],
  ['**', 'a/b/c', true],
  ['*', 'a', true],
  ['*', 'a/b', false],
  ['a/*', 'a/b', true],
  ['a/*', 'a/b/c', false],
  ['a/**', 'a/b/c', true],
  ['a/**', 'a', false],
  ['**/c', 'c', true],
  ['**/c', 'a/b/c', true],
  ['**/c', 'a/bc', false],
  ['a/**/c', 'a/c', true],
  ['a/**/c', 'a/b/b/c', true],
  ['a/**/c', 'ac', false],
  ['a**z', 'a/b/z', true],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['a?c', 'ac', false],
  ['{a,b/*}/x', 'b/q/x', true],
  ['{a,b/*}/x', 'c/x', false],
  ['app{,-dev}', 'app', true],
  ['app{,-dev}', 'app-dev', true],
  ['a.b', 'axb', false],
  ['*a*a*a*a*a*b', 'a'.repeat(250), false],
])('%s against %s: %s', (glob, name, expected) => {
  expect(matches(glob, name)).toBe(expected);
});

test.each([
  ['', 'empty'],
  ['a{b', 'no }'],
  ['a}b', 'closes nothing'],
  ['{a{b}}', 'do not nest'],
  ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}', 'more than 100'],
  ['a'.repeat(globMaxLength + 1), 'at most 256'],
])('%s is refused: %s', (glob, part) => {
  expect(parseGlob(glob)).toEqual({ mistake: expect.stringContaining(part) as string });
});

describe('targets', () => {
  test.each([
    ['library/nginx', 'library', 'hub', 'hub/nginx'],
    ['library/nginx', 'library/', 'hub/', 'hub/nginx'],
    ['libraryx/nginx', 'library', '', 'libraryx/nginx'],
    ['library', 'library', 'hub', 'hub/library'],
    ['a/b', null, '', 'a/b'],
  ])('%s without %s below %s is %s', (name, stripPrefix, targetPrefix, expected) => {
    expect(targetName(name, { stripPrefix, targetPrefix })).toBe(expected);
  });

  test('the scope has all names below the prefix', () => {
    expect([scopeBelow(''), scopeBelow('a'), scopeBelow('a/b/')]).toEqual(['*', 'a/*', 'a/b/*']);
  });
});
