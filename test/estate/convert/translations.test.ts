import { assert, array, constantFrom, nat, oneof, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGoDuration, readCron, readInterval } from '../../../src/estate/convert/go-schedule.ts';
import { readTemplate } from '../../../src/estate/convert/regsync/template.ts';
import { translateConstraint } from '../../../src/estate/convert/skopeo/masterminds-range.ts';
import { rangeMistake } from '../../../src/selection/semver-ranges.ts';
import { compileTagFilter } from '../../../src/selection/tag-filter.ts';

test.each([
  ['60m', 3_600],
  ['1h30m', 5_400],
  ['1.5h', 5_400],
  ['250ms', 0.25],
  ['0', 0],
  ['1d', undefined],
  ['15', undefined],
  ['', undefined],
])('%s of Go is %s seconds', (text, seconds) => {
  expect(parseGoDuration(text)).toBe(seconds);
});

test.each([
  ['10ms', { intervalSeconds: 1 }],
  ['0s', { mistake: expect.stringContaining('duration') }],
  ['9000h', { mistake: expect.stringContaining('366 days') }],
])('the interval %s', (text, expected) => {
  expect(readInterval(text)).toEqual(expected);
});

test.each([
  ['15 01 * * *', { cron: '15 01 * * *' }],
  ['15  01 * * ?', { cron: '15 01 * * *' }],
  ['@midnight', { cron: '@daily' }],
  ['@annually', { cron: '@yearly' }],
  ['@every 1h30m', { intervalSeconds: 5_400 }],
  ['CRON_TZ=Europe/Berlin 0 3 * * 1', { cron: '0 3 * * 1', timeZone: 'Europe/Berlin' }],
  ['TZ=Moon/Base 0 3 * * 1', { mistake: expect.stringContaining('time zone') }],
  ['0 0 3 * * 1', { mistake: expect.stringContaining('6 fields') }],
])('the schedule %s', (text, expected) => {
  expect(readCron(text)).toEqual(expected);
});

test.each([
  ['plain', 'plain'],
  ['{{env "HUB_USER"}}', { env: 'HUB_USER' }],
  ['{{ env "HUB_USER" }}', { env: 'HUB_USER' }],
  ['{{file `/run/token`}}', { file: '/run/token' }],
  ['x{{env "A"}}', undefined],
  ['{{env "A" | lower}}', undefined],
])('the template %s', (text, expected) => {
  expect(readTemplate(text)).toEqual(expected);
});

describe('constraints of Masterminds/semver', () => {
  test.each([
    ['>= 3.12.0', '>=3.12.0'],
    ['>= 1.2, < 3.0.0 || >= 4.2.3', '>=1.2 <3.0.0 || >=4.2.3'],
    ['1.2 - 1.4.5', '>=1.2 <=1.4.5'],
    ['~> 1.2', '~1.2'],
    ['=> v1.02', '>=1.2'],
    ['=1.2', '1.2'],
    ['1.2.x', '1.2'],
    ['^1.2.*', '^1.2'],
    ['*', '*'],
    ['~0.0.0', '*'],
    ['>11 <=12', '>11 <=12'],
  ])('%s is %s of node-semver', (constraint, range) => {
    expect(translateConstraint(constraint)).toEqual({ range });
    expect(rangeMistake(range)).toBeUndefined();
  });

  test.each(['', '1 ||', '!=1.2', '>=1.0.0-0', '1.0.0-rc1', '^*', '>*', 'latest', '>=1.2.3.4', '>1 foo'])(
    '%s has no equivalent',
    (constraint) => {
      expect(translateConstraint(constraint)).toHaveProperty('mistake');
    },
  );

  type Version = readonly [number, number, number];
  const compare = (one: Version, other: Version) =>
    one[0] - other[0] || one[1] - other[1] || one[2] - other[2];

  /** Its constraints.go, for releases. */
  function checks(operator: string, numbers: readonly number[], version: Version): boolean {
    const wanted: Version = [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
    const order = compare(version, wanted);
    const isSame = numbers.every((number, at) => version[at] === number);
    switch (operator) {
      case '>':
        return order > 0 && (numbers.length === 3 || !isSame);
      case '<':
        return order < 0;
      case '>=':
        return order >= 0;
      case '<=':
        return order <= 0 || (numbers.length < 3 && isSame);
      case '^':
        if (order < 0 || version[0] !== wanted[0]) return false;
        if (wanted[0] > 0 || numbers.length === 1) return true;
        if (version[1] !== wanted[1]) return false;
        return wanted[1] > 0 || numbers.length === 2 || version[2] === wanted[2];
      case '~':
        if (numbers.length === 3 && wanted.every((number) => number === 0)) return true;
        return order >= 0 && version[0] === wanted[0] && (numbers.length === 1 || version[1] === wanted[1]);
      default:
        return numbers.length === 3 ? order === 0 : isSame;
    }
  }

  test('a translated constraint takes the same releases', () => {
    const number = oneof(nat({ max: 3 }), nat({ max: 30 }));
    const one = tuple(
      constantFrom('', '>', '<', '>=', '<=', '^', '~'),
      array(number, { minLength: 1, maxLength: 3 }),
    );
    const version = tuple(number, number, number);
    assert(
      property(
        array(one, { minLength: 1, maxLength: 2 }),
        array(version, { minLength: 10, maxLength: 20 }),
        (all, versions) => {
          const text = all.map(([operator, numbers]) => `${operator} ${numbers.join('.')}`).join(', ');
          const translated = translateConstraint(text);
          if ('mistake' in translated) throw new Error(translated.mistake);
          const filter = compileTagFilter({ semverRanges: [translated.range] });
          for (const release of versions)
            expect([text, release, filter.matches(release.join('.'))]).toEqual([
              text,
              release,
              all.every(([operator, numbers]) => checks(operator, numbers, release)),
            ]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
