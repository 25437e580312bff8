import { setTimeout as sleep } from 'node:timers/promises';
import { isTidemarkError } from '../oci/error.ts';

export interface TaskQueueWatch {
  /** Resolves when the queue is known to be this installation's, or after a second without an answer. @throws TidemarkError `TASK_QUEUE_TAKEN` */
  readonly looked: Promise<void>;
  /** Rejects with `TASK_QUEUE_TAKEN` when Temporal answers so later; never resolves. */
  readonly refused: Promise<never>;
  stop(): void;
}

/** The API serves while Temporal is away, so it waits no longer than this for an answer. */
const firstLookMs = 1_000;
const retryMs = 1_000;

/** Takes the task queue, and goes on trying while Temporal is away. */
export function watchTaskQueue(own: () => Promise<void>): TaskQueueWatch {
  const refusal = Promise.withResolvers<never>();
  // whoever waits for it sees the rejection; nobody has to
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
