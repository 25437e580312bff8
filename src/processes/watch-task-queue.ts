import { setTimeout as sleep } from 'node:timers/promises';
import { isTidemarkError } from '../oci/error.ts';

export interface TaskQueueWatch {
  /** Resolves when this installation owns the queue, or after a second without an answer. @throws TidemarkError `TASK_QUEUE_TAKEN` */
  readonly looked: Promise<void>;
  /** Rejects with `TASK_QUEUE_TAKEN` if Temporal answers so later; never resolves. */
  readonly refused: Promise<never>;
  stop(): void;
}

/** The API serves while Temporal is unreachable, so it waits at most this long. */
const firstLookMs = 1_000;
const retryMs = 1_000;

/** Claims the task queue, and retries while Temporal is unreachable. */
export function watchTaskQueue(own: () => Promise<void>): TaskQueueWatch {
  const refusal = Promise.withResolvers<never>();
  // The rejection is optional to await.
  refusal.promise.catch(() => undefined);
  const stopping = new AbortController();
  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await own();
        return;
      } catch (error) {
        if (isTidemarkError(error) && error.code === 'TASK_QUEUE_TAKEN') {
          refusal.reject(error);
          throw error;
        }
      }
      await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const looking = look();
  looking.catch(() => undefined);
  const limit = new AbortController();
  const looked = Promise.race([
    looking,
    sleep(firstLookMs, undefined, { signal: limit.signal }).catch(() => undefined),
  ]).finally(() => limit.abort());
  looked.catch(() => undefined);
  return { looked, refused: refusal.promise, stop: () => stopping.abort() };
}
