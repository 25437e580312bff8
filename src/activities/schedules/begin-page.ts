import { beginRuns } from '../../db/schedules/begin-runs.ts';
import { countRuns, readDueSchedules, readSyncsToStart } from '../../db/schedules/due-schedules.ts';
import type { DuePage, PageCounts } from '../../db/schedules/due-schedules.ts';
import { recordUnchanged } from '../../db/look/record-unchanged.ts';
import { readSettledSyncs } from '../../db/look/settled-syncs.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Looks } from '../look/create-looks.ts';
import { startSyncs } from './start-syncs.ts';
import type { SyncStarter } from './start-syncs.ts';

/** A change that a look has found is synced this soon, while other looks of the page still run. */
const beginEveryMs = 1_000;

/**
 * Looks at the repositories of due schedules. Records those in which nothing has changed, and starts the syncs of the others. Each schedule
 * has one run for the moment, also when an earlier attempt was cut off anywhere.
 */
export async function beginPage(
  deps: ActivityDeps & SyncStarter,
  looks: Looks,
  page: DuePage,
  signal: AbortSignal,
): Promise<PageCounts> {
  const em = () => deps.database.em.fork();
  const waiting: number[] = [];
  let beginning: Promise<void> = Promise.resolve();
  const beginAfter = async (before: Promise<void>, ids: readonly number[]): Promise<void> => {
    await before;
    await beginRuns(em(), page, ids);
    await startSyncs(deps, em(), await readSyncsToStart(em(), page), signal);
  };
  const begin = (): Promise<void> => {
    const ids = waiting.splice(0);
    if (ids.length > 0) beginning = beginAfter(beginning, ids);
    return beginning;
  };
  const timer = setInterval(() => {
    // awaited below
    begin().catch(() => undefined);
  }, beginEveryMs);
  try {
    const due = await readDueSchedules(em(), page);
    const settled = await readSettledSyncs(em(), due);
    const settledIds = new Set(settled.map(({ key }) => key));
    waiting.push(...due.filter((id) => !settledIds.has(id)));
    const unchanged = await looks.look(settled, (id) => waiting.push(id), signal);
    await recordUnchanged(em(), page, unchanged);
  } finally {
    clearInterval(timer);
    await beginning.catch(() => undefined);
  }
  await begin();
  // those that an earlier attempt has left
  await startSyncs(deps, em(), await readSyncsToStart(em(), page), signal);
  return countRuns(em(), page);
}
