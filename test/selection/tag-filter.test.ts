import { describe, expect, test } from 'vitest';
import { closeNames } from '../../src/selection/close-names.ts';
import { isTagName } from '../../src/oci/tag-name.ts';
import { validateRules } from '../../src/selection/rule-mistakes.ts';
import { compileTagFilter } from '../../src/selection/tag-filter.ts';

function words(list: string): string[] {
  return list.split(' ').filter(Boolean);
}

const digest = `sha256:${'a'.repeat(64)}`;

describe('wildcards', () => {
  test.each([
    ['*', 'v1.0 latest _', ''],
    ['v1.*', 'v1. v1.0 v1.0.1', 'v1 v2.0 xv1.0 V1.0'],
    ['*-alpine', '-alpine 1.0-alpine', '1.0-alpine3 alpine'],
    ['1.?', '1.0 1.9', '1. 1.10'],
    ['?', 'a', 'ab'],
    ['v[12].0', 'v1.0 v2.0', 'v3.0 v12.0'],
    ['v[0-9]', 'v0 v5 v9', 'va v v10'],
    ['[a-cx-z]', 'a c y', 'd w'],
    ['v[!0-9]*', 'va vab', 'v1 v'],
    ['v[^0-9]', 'va', 'v1'],
    ['[]-]x', '-x', 'ax'],
    ['[a-]', 'a -', 'b'],
    ['[a\\-c]', 'a - c', 'b'],
    ['[\\]]x*', ']x ]x1', 'x ax'],
    ['v1\\.*', 'v1. v1.2', 'v12'],
    ['a*b*c', 'abc a-b-c abbcc', 'ab acb abcd'],
    ['***', 'a', ''],
    ['*a*', 'a bab', 'b'],
  ])('%s', (pattern, matching, others) => {
    const filter = compileTagFilter({ includeTags: [pattern] });
    expect(words(matching).filter((name) => !filter.matches(name))).toEqual([]);
    expect(words(others).filter((name) => filter.matches(name))).toEqual([]);
  });

  test('a pattern of many stars takes no more than pattern × name steps', () => {
    const filter = compileTagFilter({ includeTags: [`${'*a'.repeat(255)}*b`] });
    expect(filter.matches('a'.repeat(50_000))).toBe(false);
    expect(filter.matches(`${'a'.repeat(50_000)}b`)).toBe(true);
  });

  test.each([
    ['', 'is empty'],
    ['v[', 'The [ at character 2 has no closing ]'],
    ['v[]', 'has no closing ]'],
    ['v[!]', 'has no closing ]'],
    ['[a\\]', 'has no closing ]'],
    ['v\\', 'ends with a backslash'],
    ['[z-a]', 'write a-z'],
    ['[[:digit:]]', 'write [0-9]'],
    ['*'.repeat(513), '513 characters; at most 512'],
    ['v1, v2', 'neither a tag name'],
    ['-v1', 'neither a tag name'],
    ['a'.repeat(129), 'neither a tag name'],
    ['sha256:abc', 'nor a digest'],
    [`sha256:${'A'.repeat(64)}`, 'nor a digest'],
  ])('%j is a mistake, with its place in the list', (pattern, message) => {
    const mistakes = validateRules('includeTags', ['ok', pattern, 'v*']);
    expect(mistakes).toEqual([{ index: 1, message: expect.stringContaining(message) as string }]);
    expect(() => compileTagFilter({ excludeTags: ['ok', pattern] })).toThrow(/^excludeTags\[1\], /);
  });

  test('every mistake is reported, not only the first', () => {
    expect(validateRules('includeTags', ['', 'a', '['])).toHaveLength(2);
    expect(validateRules('includeTags', ['v*', 'latest', digest, 'a\\.b', 'a'.repeat(128)])).toEqual([]);
  });
});

describe('compileTagFilter', () => {
  test.each([
    ['null is every tag', null],
    ['absent is every tag', undefined],
    ['an empty list is every tag, as Pulp has it', []],
  ])('%s', (_name, includeTags) => {
    const filter = compileTagFilter({ includeTags, excludeTags: ['*-rc*'] });
    expect(filter).toMatchObject({ exactNames: [], digests: [], needsListing: true });
    expect(['v1', 'v1-rc1'].map((name) => filter.matches(name))).toEqual([true, false]);
  });

  test('names without a wildcard need no listing, each once, escapes resolved', () => {
    const filter = compileTagFilter({ includeTags: ['v1', 'latest', 'v1', 'a\\.b'] });
    expect(filter).toMatchObject({ exactNames: ['v1', 'latest', 'a.b'], needsListing: false });
    expect(['v1', 'a.b', 'v2'].map((name) => filter.matches(name))).toEqual([true, true, false]);
  });

  test('one wildcard among names needs the listing', () => {
    const filter = compileTagFilter({ includeTags: ['v1', 'w*'] });
    expect(filter).toMatchObject({ exactNames: ['v1'], needsListing: true });
  });

  test('a digest is neither a name nor a reason to list', () => {
    const filter = compileTagFilter({ includeTags: [digest, digest] });
    expect(filter).toMatchObject({ digests: [digest], exactNames: [], needsListing: false });
    expect(filter.matches(digest)).toBe(false);
    expect(filter.matches('latest')).toBe(false);
  });

  test('excludeTags is applied after includeTags, to exact names and digests too', () => {
    const filter = compileTagFilter({
      includeTags: ['v1', 'v2', 'x*', digest],
      excludeTags: ['v2', '?1', digest],
    });
    expect(filter).toMatchObject({ exactNames: [], digests: [], needsListing: true });
    expect(['v1', 'v2', 'x1', 'x2'].map((name) => filter.matches(name))).toEqual([false, false, false, true]);
  });

  test('upper and lower case are different tags', () => {
    const filter = compileTagFilter({ includeTags: ['Latest', 'V*'] });
    expect(['latest', 'v1', 'Latest', 'V1'].map((name) => filter.matches(name))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('fault 32: the grammar of tag names', () => {
  test.each([
    ['latest', true],
    ['_a', true],
    ['1.0-rc.1_x', true],
    [`sha256-${'a'.repeat(64)}.sig`, true],
    ['a'.repeat(128), true],
    ['a'.repeat(129), false],
    ['', false],
    ['.a', false],
    ['-a', false],
    ['a/b', false],
    ['..', false],
    ['ä', false],
    ['a\u0000', false],
    ['a\n', false],
    ['a:b', false],
  ])('%j: %s', (text, expected) => {
    expect(isTagName(text)).toBe(expected);
  });
});

describe('closeNames', () => {
  const tags = ['latest', 'v1.0', 'v1.1', 'v2.0', 'stable', 'stable-alpine'];
  test.each([
    ['lastest', ['latest']],
    ['V1.0', ['v1.0', 'v1.1', 'v2.0']],
    ['v1.2', ['v1.0', 'v1.1', 'v2.0']],
    ['stabel-*', ['stable', 'stable-alpine']],
    ['*-alpin3', ['stable-alpine']],
    ['completely-different', []],
    ['[', []],
  ])('%s', (wanted, expected) => {
    expect(closeNames(wanted, tags)).toEqual(expected);
  });

  test('several patterns are each measured, the nearest comes first, and no more than the limit', () => {
    expect(closeNames(['stabl', 'v1.1x'], tags, 2)).toEqual(['v1.1', 'stable']);
  });

  test('no patterns or no candidates: nothing', () => {
    expect([closeNames([], tags), closeNames('v1', [])]).toEqual([[], []]);
  });
});
