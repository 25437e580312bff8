import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNewest } from '../../src/selection/newest-tags.ts';
import { compileRanges, rangeMistake } from '../../src/selection/semver-ranges.ts';
import { PatternMistake, compileTagPattern } from '../../src/selection/tag-patterns.ts';
import { parseTagVersion } from '../../src/selection/tag-version.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(10_000, 'the properties run on this thread');

const page = await readFile(new URL('../../docs/selection.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([^`]+)` \| ([^|]*)\| ([^|]*)\| ([^|]*)\| ([^|]*)\| ([^|]*)\|$/gm)].map(
  ([, tag = '', ...cells]) => [tag, ...cells.map((cell) => cell.replaceAll('`', '').trim())] as const,
);

test('the table of docs/selection.md has at least 40 tags', () => {
  expect(rows.length).toBeGreaterThanOrEqual(40);
});

test.each(rows)('the tag %s of docs/selection.md', (tag, version, variant, plain, prereleases, alpine) => {
  const parsed = parseTagVersion(tag);
  expect([parsed?.version.version ?? '', parsed?.variant ?? '']).toEqual([version, variant]);
  const taken = (rules: { prereleases: boolean; suffix: string | null }): string =>
    parsed !== undefined && compileRanges({ ranges: ['*'], ...rules })(parsed) ? 'yes' : '';
  expect(taken({ prereleases: false, suffix: null })).toBe(plain);
  expect(taken({ prereleases: true, suffix: null })).toBe(prereleases);
  expect(taken({ prereleases: true, suffix: 'alpine' })).toBe(alpine);
});

describe('ranges', () => {
  test.each([
    ['>=1.2 <2', '1.2 1.2.0 v1.99.3', '1.1.9 2.0.0 1.5.0-rc.1 1.5.0-alpine'],
    ['~1.27', '1.27 1.27.9', '1.28.0'],
    ['1.x || >=2.1.0', '1.0.0 2.1.0 3', '2.0.9'],
    ['>=1.7.0-rc.1', '1.7.0-rc1 1.7.0-rc.2 1.7.0 1.8.0', '1.7.0-beta.1 1.8.0-rc.1'],
    ['>=20.04', '22.04 20.04.1', '18.04'],
  ])('%s', (range, inside, outside) => {
    const matches = compileRanges({ ranges: [range], prereleases: false, suffix: null });
    const isTaken = (tag: string): boolean => {
      const version = parseTagVersion(tag);
      return version !== undefined && matches(version);
    };
    expect(inside.split(' ').filter((tag) => !isTaken(tag))).toEqual([]);
    expect(outside.split(' ').filter(isTaken)).toEqual([]);
  });

  test('a text that is no range is reported, and so is one that is too long', () => {
    expect(rangeMistake('>=1 <two')).toMatch(/">=1 <two" is not a semver range/);
    expect(rangeMistake('1.0.0 || '.repeat(40))).toMatch(/at most 256 characters/);
    expect(rangeMistake('^1.2 || latest')).toMatch(/not a semver range/);
  });
});

describe('regular expressions', () => {
  test('a pattern matches the whole tag, each alternative too', () => {
    const pattern = compileTagPattern('v1|v2');
    expect(['v1', 'v2', 'v11', 'xv2', 'v1|v2'].filter((tag) => pattern.matches(tag))).toEqual(['v1', 'v2']);
  });

  test.each([
    ['v(1', /at character 2: missing closing \)\./],
    ['v1(?=x)', /at character 3: invalid or unsupported Perl syntax: "\(\?="/],
    ['a{1001}', /at character 2: invalid repeat count/],
    ['(a{0,900}){0,900}', /not a regular expression of RE2/],
    ['[a-z]{900}[a-z]{900}', /instructions, at most 1000/],
    ['a'.repeat(10_000), /at most 1000 characters; this one has 10000/],
  ])('%s is refused', (text, message) => {
    expect(() => compileTagPattern(text)).toThrow(PatternMistake);
    expect(() => compileTagPattern(text)).toThrow(message);
  });

  test('patterns that make other engines backtrack decide on the longest tags', () => {
    const hostile = ['(a*)*b', '(a|aa)+$', '(a|a?)+b', `${'a?'.repeat(128)}${'a'.repeat(128)}`];
    const tag = 'a'.repeat(128);
    expect(hostile.map((text) => compileTagPattern(text).matches(tag))).toEqual([false, true, false, true]);
  });
});

describe('the newest tags', () => {
  test('tags that are no version, pre-releases and other variants do not count', () => {
    const names = ['latest', '1.0', '1.1-alpine', '2.0-rc1', '1.2', '1.2', '0.9'];
    const keep = (rules: Parameters<typeof createNewest>[1]): string[] => {
      const newest = createNewest({ count: 2, per: 'ALL' }, rules);
      for (const name of names) newest.add(name);
      return newest.names();
    };
    expect(keep({})).toEqual(['1.2', '1.0']);
    expect(keep({ semverPrereleases: true })).toEqual(['2.0-rc1', '1.2']);
    expect(keep({ semverRanges: ['>=2.0.0-rc1'] })).toEqual(['2.0-rc1', '1.2']);
    expect(keep({ semverSuffix: 'alpine' })).toEqual(['1.1-alpine']);
  });

  test('by time, versions are needed only for groups of versions, and break ties', () => {
    const at = { '1.0': 5, '2.0': 1, '1.1-alpine': 3, nightly: 4, 'no-time': undefined, '1.2': 1 };
    const keep = (per: 'ALL' | 'MAJOR', count: number): string[] => {
      const newest = createNewest({ count, per, order: 'FIRST_SEEN' }, {});
      for (const [name, time] of Object.entries(at)) newest.add(name, time);
      expect(newest.isBeyond('older', 0)).toBe(true);
      return newest.names();
    };
    expect(keep('ALL', 4)).toEqual(['1.0', 'nightly', '1.1-alpine', '2.0']);
    expect(keep('MAJOR', 1)).toEqual(['1.0', '2.0']);
  });

  const tags = fc.uniqueArray(fc.stringMatching(/^v?[0-9]{1,2}(\.[0-9]){0,2}(-rc\.?[0-9])?$/), {
    maxLength: 60,
  });

  test('each group keeps its newest, whatever the order in which the tags come', () => {
    const property = fc.property(
      tags,
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('ALL', 'MAJOR', 'MINOR'),
      (names, count, per) => {
        const ranked = names.flatMap((name) => {
          const parsed = parseTagVersion(name);
          return parsed === undefined ? [] : [{ name, version: parsed.version }];
        });
        const keep = (order: typeof ranked) => {
          const newest = createNewest({ count, per }, { semverPrereleases: true });
          const fallen = order.flatMap(({ name }) => newest.add(name) ?? []);
          expect(fallen.filter((name) => !newest.isBeyond(name))).toEqual([]);
          expect(newest.names().filter((name) => newest.isBeyond(name))).toEqual([]);
          return { kept: newest.names().sort(), fallen: fallen.sort() };
        };
        const { kept, fallen } = keep(ranked);
        expect(keep(ranked.toReversed())).toEqual({ kept, fallen });
        expect([...kept, ...fallen].sort()).toEqual(ranked.map(({ name }) => name).sort());
        const groupOf = ({ version: { major, minor } }: (typeof ranked)[number]) =>
          per === 'ALL' ? '' : per === 'MAJOR' ? `${major}` : `${major}.${minor}`;
        for (const group of Map.groupBy(ranked, groupOf).values()) {
          const inside = group.filter(({ name }) => kept.includes(name));
          expect(inside.length).toBe(Math.min(count, group.length));
          for (const { version } of group.filter(({ name }) => !kept.includes(name)))
            expect(inside.every((tag) => tag.version.compare(version) >= 0)).toBe(true);
        }
      },
    );
    fc.assert(property, { seed: 7, numRuns: 300 });
  });
});
