import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';

/** activities/failure.ts decides which errors are final, and when. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Activities that any worker may take. */
export const openRemote = (startToCloseTimeout: '24h' | '7d') =>
  proxyActivities<Activities>({
    startToCloseTimeout,
    heartbeatTimeout: '10s',
    retry,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  });

/** Short database steps. They are retried for up to a day while the database is away. */
export const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1h',
  scheduleToCloseTimeout: '24h',
  retry,
});

/**
 * Runs a task's work. An error ends the task, and is thrown.
 * @param what The subject of the message for an unexpected error: `The sync`.
 */
export async function endingTask<T>(taskId: number, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isCancelled = wasCancelled(error);
    await CancellationScope.nonCancellable(async () => {
      if (isCancelled) await local.cancelTask({ taskId });
      else await local.failTask({ taskId, ...describeFailure(error, what) });
    });
    // the workflow is then canceled for Temporal, too
    if (isCancelled && !isCancellation(error)) throw new CancelledFailure(`${what} was cancelled.`);
    throw error;
  }
}

/** Also an attempt that failed, and was not repeated because the cancellation came meanwhile. */
export function wasCancelled(error: unknown): boolean {
  return (
    isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED')
  );
}

function describeFailure(error: unknown, what: string): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'INTERNAL', message: cause.message };
  return {
    code: 'INTERNAL',
    message: `${what} stopped: ${cause instanceof Error ? cause.message : String(cause)}`,
  };
}
