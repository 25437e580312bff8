import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { isConnectionError } from '../db/connection-error.ts';
import { isTidemarkError } from '../oci/error.ts';

/** Attempts of one activity that may end in a fault of the upstream's; each has the client's own retries inside. */
const upstreamAttempts = 3;
/** Attempts that may end in a fault of our own parts (store away, a key that cannot be opened): some five minutes with the policy's back-off. */
const serverAttempts = 15;
/**
 * A full disk is freed by a person, who has to be told, or by another sync's end: after these attempts, some 15 seconds, the task fails. What
 * is stored stays, so that the sync after it goes on from there (FAULTS 109).
 */
const storageFullAttempts = 5;
/** A longer wait than this is refused at once: the task fails and says when to come back (FAULTS 10). */
const maxRetryAfterMs = 60 * 60 * 1000;
/** Waits for rate limits are no failures of a kind that repeats for nothing: this many are honoured. */
const rateLimitAttempts = 30;

/**
 * The one place that turns our errors into Temporal's (STYLE 6). Runs an activity's body; what it throws becomes an ApplicationFailure
 * whose type is our code, retried by Temporal's policy as long as it may pass. A cancelled activity answers as cancelled; one whose worker
 * stops hands its work back.
 */
export async function runActivity<T>(body: (context: Context) => Promise<T>): Promise<T> {
  const context = Context.current();
  try {
    return await body(context);
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      if (context.cancellationDetails?.cancelRequested === true) await context.cancelled;
      throw ApplicationFailure.create({
        type: 'WORKER_SHUTDOWN',
        message: 'The worker stops; the work is handed back.',
        nextRetryDelay: 1,
      });
    }
    if (!isTidemarkError(error)) context.log.error('unexpected error in an activity', { error });
    throw toFailure(error, context.info.attempt);
  }
}

export function toFailure(error: unknown, attempt: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (!isTidemarkError(error)) {
    // a database that is away (waited for as long as it takes), a bug: tried again by policy; the text stays in the worker's log, people get the code
    return ApplicationFailure.create({
      type: 'INTERNAL',
      message: 'An unexpected error in the worker; its log has the details.',
      nonRetryable: attempt >= serverAttempts && !isConnectionError(error),
    });
  }
  const limit =
    error.retryAfterMs !== undefined
      ? rateLimitAttempts
      : error.code === 'STORAGE_FULL'
        ? storageFullAttempts
        : error.origin === 'server'
          ? serverAttempts
          : upstreamAttempts;
  const tooLong = error.retryAfterMs !== undefined && error.retryAfterMs > maxRetryAfterMs;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: !error.retryable || tooLong || attempt >= limit,
    ...(error.retryAfterMs !== undefined && !tooLong
      ? { nextRetryDelay: Math.max(1, error.retryAfterMs) }
      : {}),
  });
}
