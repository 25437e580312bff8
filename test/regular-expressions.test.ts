/** Proves each regular expression that ships: none backtracks out of bounds, whatever text it is given. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { check } from 'recheck';
import { expect, test } from 'vitest';
import { listSources, projectRoot } from './support/import-graph.ts';
import { findRegexes } from './support/regex-literals.ts';
import type { RegexLiteral } from './support/regex-literals.ts';
import { allowStalls } from './support/watch/allow-stalls.ts';

allowStalls(120_000, 'recheck works on this thread');

/** Steps that an input within its bound may cost: some milliseconds. */
const mostSteps = 10_000_000;

/** What is wrong with it; undefined where it is proved, or bounded by its comment. */
async function judge({
  pattern,
  flags,
  maxLength,
}: Omit<RegexLiteral, 'place'>): Promise<string | undefined> {
  const found = await check(pattern, flags, { timeout: 120_000, randomSeed: 1 });
  if (found.status === 'safe') return undefined;
  if (found.status === 'unknown') return `cannot be proved (${found.error.kind})`;
  const { complexity } = found;
  const degree = complexity.type === 'polynomial' ? complexity.degree : Infinity;
  if (maxLength !== undefined && maxLength ** degree <= mostSteps) return undefined;
  return `backtracks: ${complexity.summary}${maxLength === undefined ? '' : ` in ${maxLength} characters`}`;
}

function shipped(): string[] {
  const scripts = readdirSync(join(projectRoot, 'scripts'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.m?[jt]s$/.test(name) && !/\.d\.m?ts$/.test(name))
    .map((name) => `scripts/${name}`);
  return [...listSources('src'), ...scripts];
}

test('no regular expression that ships backtracks out of bounds', { timeout: 600_000 }, async () => {
  const found = shipped().map((file) => findRegexes(file, readFileSync(join(projectRoot, file), 'utf8')));
  expect(found.flatMap(({ built }) => built)).toEqual([]);
  const literals = found.flatMap((one) => one.literals);
  expect(literals.length).toBeGreaterThan(100);
  const verdicts = new Map<string, Promise<string | undefined>>();
  const wrong: string[] = [];
  for (const literal of literals) {
    const key = JSON.stringify([literal.pattern, literal.flags, literal.maxLength]);
    const verdict = verdicts.get(key) ?? judge(literal);
    verdicts.set(key, verdict);
    const mistake = await verdict;
    if (mistake !== undefined)
      wrong.push(`${literal.place}: /${literal.pattern}/${literal.flags} ${mistake}`);
  }
  expect(wrong).toEqual([]);
});

test.each([
  ['^[\\x21-\\x7e]+(?:; ?[\\x21-\\x7e]+)*$', undefined, /exponential/],
  ['^[\\x21-\\x7e]+(?:; ?[\\x21-\\x7e]+)*$', 20, /exponential/],
  ['^a*b?a*b?a*$', undefined, /3rd degree/],
  ['\\/+$', undefined, /2nd degree/],
  ['\\/+$', 4_000, /in 4000 characters/],
  ['\\/+$', 3_000, undefined],
  ['^[a-z]+$', undefined, undefined],
])('%s with the bound %j is judged right', async (pattern, maxLength, expected) => {
  const verdict = await judge({ pattern, flags: '', maxLength });
  if (expected === undefined) expect(verdict).toBeUndefined();
  else expect(verdict).toMatch(expected);
});

test('literals are told from strings, comments and divisions, with the bound beside them', () => {
  const source = [
    'const a: number = 6 / 2 / 1; // /no/',
    "const b = '/no/';",
    '// regex input: at most 255 characters',
    'const c = /yes[/]/gi.test(`${/inner/}`);',
    'const d = <T,>(x: T) => x as unknown as RegExp; const e = /later/; // regex input: at most 10 characters',
    "new RegExp('x'); RegExp('y');",
  ].join('\n');
  const { literals, built } = findRegexes('src/x.ts', source);
  expect(literals.map(({ pattern, flags, place, maxLength }) => [pattern, flags, place, maxLength])).toEqual([
    ['yes[/]', 'gi', 'src/x.ts:4', 255],
    ['inner', '', 'src/x.ts:4', 255],
    ['later', '', 'src/x.ts:5', 10],
  ]);
  expect(built).toEqual(['src/x.ts:6', 'src/x.ts:6']);
});
