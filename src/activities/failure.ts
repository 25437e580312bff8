import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { isConnectionError } from '../db/connection/connection-error.ts';
import { asDatabaseFull } from '../db/connection/disk-full.ts';
import { isTidemarkError } from '../oci/error.ts';
import { isThrottle } from '../upstream/error-kinds.ts';
import { readSubject } from './error-subject.ts';

/**
 * The faults that an activity has met in all its attempts. They are kept in heartbeat details, because attempts also end without a fault:
 * the worker stops or is killed, or the upstream asks for a wait.
 */
type FaultKind = 'upstream' | 'server' | 'storageFull' | 'rateLimit' | 'throttle' | 'window';
export type FaultCounts = Partial<Record<FaultKind, number>>;

/** Faults of a kind that fail the task. */
const faultLimits: Record<FaultKind, number> = {
  // each includes the client's own retries
  upstream: 3,
  // a fault of our own, for example an unreachable store: about five minutes with the policy's back-off
  server: 15,
  // A person must free a full disk, and must be told: about 15 seconds. Stored content stays for the next sync (fault 109).
  storageFull: 5,
  // each is a wait that the upstream asked for
  rateLimit: 30,
  // throttles.ts limits the waits
  throttle: Number.POSITIVE_INFINITY,
  // a sync window, or a turn after it
  window: Number.POSITIVE_INFINITY,
};
/** A longer wait fails the task at once, with the time to come back (fault 10). */
const maxRetryAfterMs = { throttle: 12 * 60 * 60 * 1000, other: 60 * 60 * 1000 };

/**
 * Runs an activity's body, and turns our errors into Temporal's. An error becomes an ApplicationFailure whose type is our code, retried by
 * Temporal's policy. A cancelled activity ends as cancelled. An activity whose worker stops is handed back.
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
        message: 'The worker is stopping; the work is handed back.',
        nextRetryDelay: 1,
      });
    }
    const logged = { err: error, ...(await readSubject(thrown)) };
    if (isTidemarkError(error) && kindOf(error) === 'window') context.log.debug('a step waits', logged);
    else if (isTidemarkError(error)) context.log.warn('a step failed', logged);
    else context.log.error('unexpected error in an activity', logged);
    throw toFailure(error, countFault(context, kindOf(error)));
  }
}

const heartbeatEveryMs = 1_000;

/**
 * `runActivity` with heartbeats, which tell Temporal that the activity lives. A cancellation arrives with their answers.
 * @param details Default: those of the attempt before, with its counts of faults.
 */
export function runWithHeartbeat<T>(
  body: (signal: AbortSignal, context: Context) => Promise<T>,
  details = ({ info }: Context): unknown => info.heartbeatDetails,
): Promise<T> {
  return runActivity(async (context) => {
    const timer = setInterval(() => context.heartbeat(details(context)), heartbeatEveryMs);
    try {
      return await body(context.cancellationSignal, context);
    } finally {
      clearInterval(timer);
    }
  });
}

/** Whether one more error of the upstream fails the task. */
export function isLastAttempt(): boolean {
  const before = (Context.current().info.heartbeatDetails ?? {}) as FaultCounts;
  return (before.upstream ?? 0) + 1 >= faultLimits.upstream;
}

/** Local activities have no heartbeats, and begin at attempt 1 on another worker. */
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
  if (error.code === 'SYNC_WAITS') return 'window';
  if (error.retryAfterMs !== undefined) return 'rateLimit';
  if (error.code === 'STORAGE_FULL') return 'storageFull';
  return error.origin === 'server' ? 'server' : 'upstream';
}

/** @param faults The faults of this error's kind so far, including this one. */
export function toFailure(error: unknown, faults: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const tooMany = faults >= faultLimits[kindOf(error)];
  if (!isTidemarkError(error)) {
    // Temporal retries an unreachable database without end, and a bug up to the limit. Its text stays in the worker's log.
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
