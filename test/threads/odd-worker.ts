import { TidemarkError } from '../../src/oci/error.ts';
import { answerQuestions } from '../../src/threads/answer-questions.ts';

/** What a thread can do to the one that asks it. */
export type OddQuestion =
  | { readonly kind: 'echo'; readonly text: string }
  | { readonly kind: 'refuse' | 'fail' | 'exit' | 'spin' | 'fill' }
  | { readonly kind: 'lock'; readonly gate: Int32Array };

const kept: unknown[] = [];

answerQuestions((question: OddQuestion): string => {
  switch (question.kind) {
    case 'echo':
      return question.text;
    case 'refuse':
      throw new TidemarkError('ODD_REFUSED', 'It is refused.', { origin: 'caller' });
    case 'fail':
      throw new RangeError('a bug');
    case 'exit':
      return process.exit(3);
    case 'spin':
      for (;;);
    case 'fill':
      for (;;) kept.push(Array.from({ length: 1_000 }, () => ({})));
    case 'lock':
      Atomics.wait(question.gate, 0, 0);
      return 'opened';
    default:
      return question satisfies never;
  }
});
