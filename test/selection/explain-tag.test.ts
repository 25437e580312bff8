import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explainRules } from '../../src/selection/explain-tag.ts';
import { compileTagFilter } from '../../src/selection/tag-filter.ts';
import type { TagRules } from '../../src/selection/tag-rules.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(10_000, 'the properties run on this thread');

test.each([
  [{}, 'v1', 'includeTags', 'There is no include rule, so every tag is included.'],
  [{ includeTags: ['v2', 'v*'] }, 'v1', 'includeTags', 'includeTags[1], "v*", includes it.'],
  [
    { includeTags: ['v*'], excludeTags: ['*-rc*'] },
    'v1-rc1',
    'excludeTags',
    'excludeTags[0], "*-rc*", excludes it.',
  ],
  [
    { excludeTagPatterns: ['.*-dev'] },
    '1-dev',
    'excludeTagPatterns',
    'excludeTagPatterns[0], ".*-dev", excludes it.',
  ],
  [
    { includeTagPatterns: ['v\\d+'] },
    'v1',
    'includeTagPatterns',
    'includeTagPatterns[0], "v\\\\d+", includes it.',
  ],
  [{ includeTags: ['v*'] }, 'latest', 'includeTags', 'No include rule includes it.'],
  [{ semverRanges: ['>=1.2'] }, '1.3', 'semverRanges', 'semverRanges[0], ">=1.2", includes it.'],
  [{ semverRanges: ['>=1.2'] }, '1.1', 'semverRanges', 'No include rule includes it. It is version 1.1.0.'],
  [{ semverRanges: ['>=1.2'] }, 'edge', 'semverRanges', 'No include rule includes it. It is not a version.'],
  [
    { semverRanges: ['>=1.2'] },
    '1.3-alpine',
    'semverRanges',
    'No include rule includes it. It is of the variant "alpine", which semverSuffix does not select.',
  ],
  [
    { semverRanges: ['>=1.2'], semverSuffix: 'alpine' },
    '1.3',
    'semverRanges',
    'No include rule includes it. It has no variant; semverSuffix is "alpine".',
  ],
] satisfies [TagRules, string, string, string][])('%j and %s: %s', (rules, name, rule, detail) => {
  expect(explainRules(rules, name)).toMatchObject({ rule, detail });
});

test('the explanation agrees with the filter, for any rules', () => {
  const name = fc.constantFrom(
    'v1',
    '1.2',
    '1.2.3',
    '1.2.3-alpine',
    '2.0.0-rc.1',
    'latest',
    'edge',
    'v1-rc1',
  );
  const wildcards = fc.option(
    fc.array(fc.constantFrom('v*', '*', 'latest', '1.?', '*-rc*', '[el]*'), { maxLength: 3 }),
  );
  const patterns = fc.option(fc.array(fc.constantFrom('v\\d', '.*rc.*', '\\d.*', 'l.+'), { maxLength: 2 }));
  const rules = fc.record({
    includeTags: wildcards,
    excludeTags: wildcards,
    includeTagPatterns: patterns,
    excludeTagPatterns: patterns,
    semverRanges: fc.option(fc.array(fc.constantFrom('>=1.2', '1.x', '>=2.0.0-rc.0', '*'), { maxLength: 2 })),
    semverPrereleases: fc.boolean(),
    semverSuffix: fc.constantFrom(null, 'alpine'),
  });
  fc.assert(
    fc.property(rules, name, (given, tag) => {
      expect(explainRules(given, tag).isSelected).toBe(compileTagFilter(given).matches(tag));
    }),
    { numRuns: 500, seed: 16 },
  );
});
