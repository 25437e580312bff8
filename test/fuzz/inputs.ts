import fc from 'fast-check';
import { inputMaxLength } from './target.ts';
import type { FuzzTarget } from './target.ts';

const repeatsMost = 200;
/** What ends a match late: the worst inputs for a reader that backtracks. */
const spoilers = ['', 'é', '\u0000', '\n', ' ', '"', '!', '\ud800', '\uffff'];

/** Inputs of a target: words in any order, one to three of them repeated, spoiled at the end; and plain text. */
export function inputsOf({ dictionary, frames }: FuzzTarget): fc.Arbitrary<string> {
  const word = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...dictionary) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8, unit: 'binary' }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8, unit: 'grapheme' }) },
  );
  const sentence = fc.array(word, { maxLength: 40 }).map((words) => words.join(''));
  const repeated = fc
    .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.integer({ min: 2, max: repeatsMost }))
    .map(([words, times]) => words.join('').repeat(times));
  const text = fc
    .tuple(
      fc.array(fc.oneof(sentence, repeated), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...spoilers),
      fc.constantFrom(['', ''] as const, ...frames),
    )
    .map(([parts, spoiler, [before, after]]) => `${before}${parts.join('')}${spoiler}${after}`);
  return fc
    .oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) })
    .map((input) => input.slice(0, inputMaxLength));
}
