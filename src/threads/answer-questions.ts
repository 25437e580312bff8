import { parentPort } from 'node:worker_threads';
import { isTidemarkError } from '../oci/error.ts';
import type { ErrorOrigin } from '../oci/error.ts';

/** One of our errors, as it passes between threads: its class does not. */
interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly origin: ErrorOrigin;
  readonly retryable: boolean;
}

export type ThreadAnswer<Answer> =
  | { readonly value: Answer }
  | { readonly error: PlainError }
  | { readonly failure: string };

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
      if (!isTidemarkError(error))
        return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      const { code, message, origin, retryable } = error;
      return { error: { code, message, origin, retryable } };
    }
  }
}
