/** What was found once stays mended; longer attacks are `npm run fuzz`. */
import { describe, expect, test } from 'vitest';
import { readCorpus } from './corpus.ts';
import { fuzz } from './fuzz-worker.ts';
import { attack, inputMaxLength } from './target.ts';
import type { FuzzTarget } from './target.ts';
import { targets } from './targets.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(120_000, 'the inputs are parsed on this thread, a planted backtracker among them');

describe.each(targets.map((target) => ({ target, name: target.name })))('$name', ({ target }) => {
  test('withstands what broke it, or one like it, before', async () => {
    const inputs = readCorpus(target.name);
    expect(inputs.length).toBeGreaterThan(0);
    for (const input of inputs) expect(await attack(target, input)).not.toHaveProperty('failure');
  });
});

const planted: FuzzTarget = {
  name: 'planted',
  dictionary: [';a', 'a'],
  frames: [],
  parse: (input) => {
    let steps = 0;
    // as a reader that backtracks in the third degree, with an end
    const many = Math.min(input.length, 400);
    if (input.startsWith(';a'.repeat(100))) while (steps < many ** 3) steps += 1;
    return steps;
  },
  verify: () => undefined,
};

test('a parser that backtracks is found, with the input', async () => {
  const progress = new SharedArrayBuffer(8 + 2 * inputMaxLength);
  const order = { target: 'planted', seed: 1, milliseconds: 60_000, progress };
  const { failures } = await fuzz(
    { ...planted, parse: (input) => [planted.parse(input), planted.parse(input), planted.parse(input)] },
    order,
  );
  expect(failures.length).toBeGreaterThan(0);
  expect(failures[0]?.failure).toContain('ms of processor time');
  expect(failures[0]?.input.startsWith(';a'.repeat(100))).toBe(true);
});
