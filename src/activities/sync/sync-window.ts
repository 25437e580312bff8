import type { Em } from '../../db/open-database.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { pauseTask, startTask } from '../../db/tasks/start-task.ts';
import type { StartedTask } from '../../db/tasks/start-task.ts';
import { TidemarkError } from '../../oci/error.ts';
import { openWindows, windowState } from '../../timetables/windows.ts';
import type { ActivityDeps } from '../deps.ts';
import { realTime } from './throttles.ts';

/** A waiting sync looks again by itself after this time, because the windows may be changed. */
const longestWaitMs = 300_000;
const turnWaitMs = 30_000;
const againMs = 1_000;
/** The longest time of a timer. */
const longestTimerMs = 2 ** 31 - 1;

type WindowDeps = Pick<ActivityDeps, 'syncsPerHost' | 'throttleClock'>;
type Windowed = Pick<Remote, 'syncWindows'>;

function nowOf({ throttleClock = realTime }: WindowDeps): number {
  return Date.now() + throttleClock.aheadMs();
}

/** Whether a sync of the remote would wait for one of its windows now. */
export function isWindowClosed(deps: WindowDeps, { syncWindows }: Windowed): boolean {
  return !windowState(openWindows(syncWindows), nowOf(deps)).isOpen;
}

/**
 * Starts a task, or continues it after a window.
 * @returns undefined while the host has its maximum of running syncs. The sync has no turn then, and waits for it.
 * @throws TidemarkError `SYNC_WAITS` outside of the windows, and for a task that has begun and has no turn, with the time to try again. Its
 * activity goes on, because a new one would number its lists from 1 again.
 */
export async function startInWindow(
  deps: WindowDeps,
  em: Em,
  taskId: number,
): Promise<StartedTask | undefined> {
  const started = await startTask(em, taskId, { syncsPerHost: deps.syncsPerHost, nowMs: nowOf(deps) });
  if (!('waitsFor' in started)) return started;
  if (started.waitsFor !== 'TURN') throw closed(deps, started.untilMs);
  if (!started.hasBegun) return undefined;
  throw waits(
    deps,
    "The maximum of syncs of the upstream's host is running. The sync continues when one of them ends.",
    turnWaitMs,
  );
}

/** Another activity of the sync has paused it, between two statements of this one. */
export function pausedMeanwhile(deps: WindowDeps): TidemarkError {
  return waits(deps, 'The sync began to wait meanwhile. It continues when the wait ends.', againMs);
}

/**
 * Runs the work of a task that asks the upstream. Work that runs into the end of the window is aborted, and the task is WAITING until the next
 * one. Downloads are resumed by Range then.
 * @throws TidemarkError `SYNC_WAITS`, with the time to try again
 */
export async function withinWindow<T>(
  deps: WindowDeps & Pick<ActivityDeps, 'database'>,
  { taskId, remote }: { readonly taskId: number; readonly remote: Windowed },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const windows = openWindows(remote.syncWindows);
  if (windows.length === 0) return work(signal);
  const { throttleClock: clock = realTime } = deps;
  const ending = new AbortController();
  const stop = atEnd(() => {
    const { isOpen, untilMs } = windowState(windows, nowOf(deps));
    if (isOpen) return untilMs === undefined ? undefined : clock.delayMs(untilMs - nowOf(deps));
    ending.abort(new Error('The sync window has ended.'));
    return undefined;
  });
  try {
    ending.signal.throwIfAborted();
    return await work(AbortSignal.any([signal, ending.signal]));
  } catch (error) {
    if (!ending.signal.aborted || signal.aborted) throw error;
    const { isOpen, untilMs = null } = windowState(windows, nowOf(deps));
    // It may have opened again while the work ended.
    if (!isOpen) await pauseTask(deps.database.em.fork(), taskId, { waitsFor: 'SYNC_WINDOW', untilMs });
    throw closed(deps, isOpen ? nowOf(deps) : untilMs);
  } finally {
    stop();
  }
}

/** Calls `look` now, and again after the time that it returns, until it returns none. */
function atEnd(look: () => number | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const step = () => {
    const leftMs = look();
    timer =
      leftMs === undefined ? undefined : setTimeout(step, Math.min(Math.max(1, leftMs), longestTimerMs));
  };
  step();
  return () => clearTimeout(timer);
}

function closed(deps: WindowDeps, untilMs: number | null): TidemarkError {
  const leftMs = untilMs === null ? longestWaitMs : Math.max(0, untilMs - nowOf(deps));
  const opens = untilMs === null ? 'in more than a week' : `at ${new Date(untilMs).toISOString()}`;
  return waits(
    deps,
    `No sync window of the remote is open. The sync continues when the next one opens, ${opens}. Change syncWindows to continue earlier.`,
    Math.min(leftMs, longestWaitMs),
  );
}

function waits({ throttleClock = realTime }: WindowDeps, message: string, waitMs: number): TidemarkError {
  return new TidemarkError('SYNC_WAITS', message, {
    origin: 'server',
    retryable: true,
    retryAfterMs: throttleClock.delayMs(waitMs),
  });
}
