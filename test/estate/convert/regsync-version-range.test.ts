import { assert, constantFrom, array, integer, oneof, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { notAVersion, outsideRange } from '../../../src/estate/convert/regsync/outside-range.ts';
import {
  isInRange,
  parseRegsyncVersion,
  parseVersionRange,
} from '../../../src/estate/convert/regsync/version-range.ts';
import type { VersionRange } from '../../../src/estate/convert/regsync/version-range.ts';
import { compileTagPattern } from '../../../src/selection/tag-patterns.ts';
import { allowStalls } from '../../support/watch/allow-stalls.ts';

allowStalls(20_000, 'the properties compile thousands of patterns in one turn');

function range(text: string): VersionRange {
  const parsed = parseVersionRange(text);
  if ('mistake' in parsed) throw new Error(parsed.mistake);
  return parsed;
}

const takes = (text: string, tag: string): boolean => {
  const version = parseRegsyncVersion(tag);
  return version !== undefined && isInRange(version, range(text));
};

test.each([
  ['>=1.2 <2', '>=1.2.0 <2.0.0'],
  ['^1.2.3', '>=1.2.3 <2.0.0'],
  ['^0.2', '>=0.2.0 <0.3.0'],
  ['^0', '>=0.0.0 <0.0.1'],
  ['~1', '>=1.0.0 <1.1.0'],
  ['~1.2.3', '>=1.2.3 <1.3.0'],
  ['>1.2', '>1.2.0'],
  ['v1.27', '=1.27.0'],
  ['<=3.0.0.0', '<=3.0.0'],
])('%s is %s of node-semver', (text, semverRange) => {
  expect(range(text).semverRange).toBe(semverRange);
});

test.each(['', '1.x', '>=1 || <2', '>=1.2.3-rc1', '1.2.3.4', '>= 1', '1 - 2', 'latest'])(
  '%s has no equivalent',
  (text) => {
    expect(parseVersionRange(text)).toEqual({ mistake: expect.stringContaining('comparison') });
  },
);

// the rules of regclient's internal/semver
test.each([
  ['>=1.2', '1.2', true],
  ['>=1.2', 'v1.2.0.1', true],
  ['>=1.2', '1.2-alpine', false],
  ['>=1.2', '1.3-alpine', true],
  ['>1.2', '1.2', false],
  ['>1.2', '1.2.1', true],
  ['<2', '2.0.0-rc1', true],
  ['<2', '2.0.0', false],
  ['<=2', '2.0-rc1', true],
  ['=1.2', '1.2.0', true],
  ['=1.2', '1.2.0-rc1', false],
  ['>=1', 'latest', false],
  ['>=1', '1.2_3', false],
  ['>=1', 'v', false],
  ['>=1', '01.2', true],
])('%s takes %s: %s', (text, tag, expected) => {
  expect(takes(text, tag)).toBe(expected);
});

const number = oneof(
  constantFrom('0', '1', '9', '10', '19', '27', '100', '007', '00'),
  integer({ min: 0, max: 120 }).map(String),
);
const versions = tuple(
  constantFrom('', 'v'),
  array(number, { minLength: 1, maxLength: 4 }),
  constantFrom('', '-rc1', '-', '-alpine.3.', '-0'),
);
const versionTags = versions.map(([v, numbers, suffix]) => `${v}${numbers.join('.')}${suffix}`);
const otherTags = array(constantFrom('v', '1', '0', '.', '-', 'a', '_', 'rc'), {
  minLength: 1,
  maxLength: 7,
}).map((parts) => parts.join(''));
const bound = tuple(
  constantFrom('>=', '<=', '>', '<', '=', '^', '~', ''),
  array(number, { minLength: 1, maxLength: 3 }),
).map(([operator, numbers]) => `${operator}${numbers.join('.')}`);

test('every tag is either in the range, or excluded by a pattern', () => {
  assert(
    property(
      array(bound, { minLength: 1, maxLength: 2 }),
      array(oneof(versionTags, otherTags), { minLength: 5, maxLength: 20 }),
      (bounds, tags) => {
        const parsed = range(bounds.join(' '));
        const excluding = [notAVersion, ...outsideRange(parsed)].map(compileTagPattern);
        for (const tag of tags) {
          const isExcluded = excluding.some((pattern) => pattern.matches(tag));
          const version = parseRegsyncVersion(tag);
          const isIn = version !== undefined && isInRange(version, parsed);
          if (isIn === isExcluded)
            throw new Error(`${tag} in ${bounds.join(' ')}: ${isIn}, excluded: ${isExcluded}`);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
