import { parentPort } from 'node:worker_threads';
import { toPlainError } from './plain-error.ts';
import type { PlainError } from './plain-error.ts';

export type ThreadAnswer<Answer> = { readonly value: Answer } | { readonly error: PlainError };

/** The first message of the other side: its modules are loaded. */
export interface ThreadReady {
  readonly ready: true;
}

/** The other side of a task thread: its module calls this once. */
export function answerQuestions(answer: (question: never) => unknown): void {
  parentPort?.on('message', (question: unknown) => {
    void respond(question as never);
  });
  parentPort?.postMessage({ ready: true } satisfies ThreadReady, []);

  async function respond(question: never): Promise<void> {
    parentPort?.postMessage(await answerOf(question), []);
  }

  async function answerOf(question: never): Promise<ThreadAnswer<unknown>> {
    try {
      return { value: await answer(question) };
    } catch (error) {
      return { error: toPlainError(error) };
    }
  }
}
