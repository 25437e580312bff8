/** docs/faults.md and the tests agree on what each number means. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listSources, projectRoot } from '../support/import-graph.ts';

const page = readFileSync(join(projectRoot, 'docs/faults.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \|.*\| ([^|]*) \|$/gm)].map(([, number, tests = '']) => ({
  number: Number(number),
  files: [...tests.matchAll(/`([^`]+)`/g)].map(([, name]) => `test/${name}.test.ts`),
}));
const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8');

const last = 124;

test(`rows are numbered 1 to ${last}, each once`, () => {
  const numbers = rows.map(({ number }) => number).sort((one, other) => one - other);
  expect(numbers).toEqual(Array.from({ length: last }, (_, at) => at + 1));
});

test('each file that a row names has tests of that fault', () => {
  const wrong = rows.flatMap(({ number, files }) =>
    files
      .filter((file) => !new RegExp(`\\bfaults? (\\d+, |\\d+ and )*${number}\\b`, 'i').test(read(file)))
      .map((file) => `${number}: ${file}`),
  );
  expect(wrong).toEqual([]);
});

test('a row without tests says so in this list', () => {
  const untested = rows.filter(({ files }) => files.length === 0).map(({ number }) => number);
  // 100: no activity takes or returns a list, so no payload grows; 116: bench row `growth`
  expect(untested).toEqual([100, 116]);
});

test('each number that code or a test cites has a row', () => {
  const cited = [...listSources('src'), ...listSources('test')].flatMap((file) =>
    [...read(file).matchAll(/\bfaults?(?: |\.md, row )(\d+)\b/gi)].map(([, number]) => Number(number)),
  );
  expect(cited.length).toBeGreaterThan(100);
  expect(cited.filter((number) => number === 0 || number > last)).toEqual([]);
});
