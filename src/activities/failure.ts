import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { isConnectionError } from '../db/connection/connection-error.ts';
import { asDatabaseFull } from '../db/connection/disk-full.ts';
import { isTidemarkError } from '../oci/error.ts';
import { isThrottle } from '../upstream/error-kinds.ts';
import { readSubject } from './error-subject.ts';

export { isThrottle, isUnreadable } from '../upstream/error-kinds.ts';

/**
 * Whose faults an activity has met, over all its attempts: kept in its heartbeat details, because attempts also end for reasons that are
 * nobody's fault (a worker that stops or is killed) and for waits that were asked for.
 */
type FaultKind = 'upstream' | 'server' | 'storageFull' | 'rateLimit' | 'throttle';
export type FaultCounts = Partial<Record<FaultKind, number>>;

/** How many faults of a kind one activity may meet before the task fails. */
const faultLimits: Record<FaultKind, number> = {
  // each has the client's own retries inside
  upstream: 3,
  // our own parts (store away, a key that cannot be opened): some five minutes with the policy's back-off
  server: 15,
  // a full disk is freed by a person, who has to be told: some 15 seconds. What is stored stays for the next sync (fault 109)
  storageFull: 5,
  // each was a wait that the upstream asked for
  rateLimit: 30,
  // how long they are waited for in all, is decided in throttles.ts
  throttle: Number.POSITIVE_INFINITY,
};
/** A longer wait than this is refused at once: the task fails and says when to come back (fault 10). */
const maxRetryAfterMs = { throttle: 12 * 60 * 60 * 1000, other: 60 * 60 * 1000 };

/**
 * The one place that turns our errors into Temporal's. Runs an activity's body; what it throws becomes an ApplicationFailure
 * whose type is our code, retried by Temporal's policy as long as it may pass. A cancelled activity answers as cancelled; one whose worker
 * stops hands its work back.
 */
export async function runActivity<T>(body: (context: Context) => Promise<T>): Promise<T> {
  const context = Context.current();
  try {
    return await body(context);
  } catch (thrown) {
    const error = asDatabaseFull(thrown) ?? thrown;
    if (context.cancellationSignal.aborted) {
      if (context.cancellationDetails?.cancelRequested === true) await context.cancelled;
      throw ApplicationFailure.create({
        type: 'WORKER_SHUTDOWN',
        message: 'The worker stops; the work is handed back.',
        nextRetryDelay: 1,
      });
    }
    const logged = { err: error, ...(await readSubject(thrown)) };
    if (isTidemarkError(error)) context.log.warn('a step failed', logged);
    else context.log.error('unexpected error in an activity', logged);
    throw toFailure(error, countFault(context, kindOf(error)));
  }
}

/** Tells Temporal that an activity lives; the counts of its faults go along, or they would be lost. */
export function heartbeat(context: Context): void {
  context.heartbeat(context.info.heartbeatDetails);
}

/** Local activities have no heartbeats, and start again at attempt 1 when their worker is gone. */
function countFault(context: Context, kind: FaultKind): number {
  const { isLocal, attempt, heartbeatDetails } = context.info;
  if (isLocal) return attempt;
  const before = (heartbeatDetails ?? {}) as FaultCounts;
  const count = (before[kind] ?? 0) + 1;
  context.heartbeat({ ...before, [kind]: count });
  return count;
}

function kindOf(error: unknown): FaultKind {
  if (!isTidemarkError(error)) return 'server';
  if (isThrottle(error)) return 'throttle';
  if (error.retryAfterMs !== undefined) return 'rateLimit';
  if (error.code === 'STORAGE_FULL') return 'storageFull';
  return error.origin === 'server' ? 'server' : 'upstream';
}

/** @param faults How many faults of this error's kind the activity has met, this one included. */
export function toFailure(error: unknown, faults: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const tooMany = faults >= faultLimits[kindOf(error)];
  if (!isTidemarkError(error)) {
    // a database that is away (waited for as long as it takes), a bug: tried again by policy; the text stays in the worker's log, people get the code
    return ApplicationFailure.create({
      type: 'INTERNAL',
      message: 'An unexpected error in the worker; its log has the details.',
      nonRetryable: tooMany && !isConnectionError(error),
    });
  }
  const { retryAfterMs = 0 } = error;
  const waitsTooLong = retryAfterMs > (isThrottle(error) ? maxRetryAfterMs.throttle : maxRetryAfterMs.other);
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: !error.retryable || waitsTooLong || tooMany,
    ...(error.retryAfterMs !== undefined && !waitsTooLong
      ? { nextRetryDelay: Math.max(1, retryAfterMs) }
      : {}),
  });
}
