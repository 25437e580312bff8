import { assert, constantFrom, array, property, string, stringMatching, tuple, oneof } from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { literalTag, wholeTagPattern } from '../../../src/estate/convert/whole-tag-pattern.ts';
import { allowStalls } from '../../support/watch/allow-stalls.ts';
import { compileTagPattern } from '../../../src/selection/tag-patterns.ts';

/** As Go's `regexp.MustCompile(pattern).MatchString(tag)`. */
const finds = (pattern: string, tag: string) => RE2JS.compile(pattern).matcher(tag).find();

allowStalls(20_000, 'the properties compile thousands of patterns in one turn');

describe('patterns of regsync, which are put between ^ and $ as they are', () => {
  test.each([
    ['3\\.\\d+', '3\\.\\d+'],
    ['.*', '.*'],
    ['latest|edge', 'latest.*|.*edge'],
    ['a|b|c', 'a.*|.*b.*|.*c'],
    ['(?:latest|edge)', '(?:latest|edge)'],
    ['(a|b)|c', '(a|b).*|.*c'],
    ['[a|b]', '[a|b]'],
    ['[]|]x', '[]|]x'],
    ['[^]|]x', '[^]|]x'],
    ['[[:alpha:]|]', '[[:alpha:]|]'],
    ['a\\|b', 'a\\|b'],
    ['a\\\\|b', 'a\\\\.*|.*b'],
    ['^v1$', '^v1$'],
    ['v1$|v2', 'v1|.*v2'],
    ['v.*|.*-rc', 'v.*|.*-rc'],
    ['1\\.*|x', '1\\.*.*|.*x'],
    ['a|', 'a.*|.*'],
    ['\\Qa|b\\E', '.*(?:^\\Qa|b\\E$).*'],
    ['\\Qa', '.*(?:^\\Qa$\\E).*'],
    ['*foo', '.*(?:^*foo$).*'],
    ['a\\', 'a\\$.*'],
  ])('%s', (pattern, expected) => {
    expect(wholeTagPattern(`^${pattern}$`)).toEqual({ pattern: expected });
  });

  test.each(['a)|(b', '(', '[a', '(?=a)', 'a{1001}', 'a**'])('%s is refused, as Go does', (pattern) => {
    expect(wholeTagPattern(`^${pattern}$`)).toEqual({ mistake: expect.stringContaining('') });
  });
});

describe('patterns of skopeo, which are searched for', () => {
  test.each([
    ['^1\\.13\\.[12]-alpine-perl$', '1\\.13\\.[12]-alpine-perl'],
    ['alpine', '.*alpine.*'],
    ['^v', 'v.*'],
    ['-rc\\d+$', '.*-rc\\d+'],
    ['cost\\$', '.*cost\\$.*'],
    ['cost\\\\$', '.*cost\\\\'],
    ['^a|b$', 'a.*|.*b'],
    ['.*foo', '.*foo.*'],
    ['foo.*', '.*foo.*'],
    ['', '.*'],
    ['(?i)^RC$', '.*(?:(?i)^RC$).*'],
  ])('%s', (pattern, expected) => {
    expect(wholeTagPattern(pattern)).toEqual({ pattern: expected });
  });
});

const atom = constantFrom(
  'a', 'b', '1', '.', '\\.', '\\d', '-', '[a-c]', '[]|]', '[^]|1]', '[[:digit:]|]', '|', '|', '^', '$', '(?:', '(', ')', '*', '+', '?',
  '{2}', '\\|', '\\\\', '\\$', '\\Q', '\\E', '(?i)', '(?i:', '\\b', '',
); // prettier-ignore
const patterns = array(atom, { maxLength: 9 }).map((atoms) => atoms.join(''));
const tags = oneof(
  stringMatching(/^[ab1AB]{1,4}$/),
  stringMatching(/^[a-c1|.\\$-]{1,6}$/),
  string({ minLength: 1, maxLength: 5 }).filter((text) => !text.includes('\n')),
);

test.each([
  ['regsync', (pattern: string) => `^${pattern}$`],
  ['skopeo', (pattern: string) => pattern],
])('any pattern of %s means the same as a pattern of a whole tag', (_tool, compile) => {
  let compared = 0;
  assert(
    property(tuple(patterns, array(tags, { minLength: 1, maxLength: 8 })), ([given, names]) => {
      const searched = compile(given);
      let finder: RE2JS;
      try {
        finder = RE2JS.compile(searched);
      } catch {
        expect(wholeTagPattern(searched)).toHaveProperty('mistake');
        return;
      }
      const translated = wholeTagPattern(searched);
      if ('mistake' in translated) throw new Error(`${searched} is refused: ${translated.mistake}`);
      const whole = compileTagPattern(translated.pattern);
      for (const name of names) {
        compared += 1;
        if (whole.matches(name) !== finder.matcher(name).find())
          throw new Error(`${searched} became ${translated.pattern}, which differs for ${name}`);
      }
    }),
    { numRuns: 5_000 },
  );
  expect(compared).toBeGreaterThan(1_000);
  expect(finds('^a|b$', 'ax')).toBe(true);
});

test.each([
  ['latest', 'latest'],
  ['3\\.18', '3.18'],
  ['3.18', undefined],
  ['v\\d', undefined],
  ['-a', undefined],
  ['', undefined],
])('%s as a tag: %s', (pattern, tag) => {
  expect(literalTag(pattern)).toBe(tag);
});
