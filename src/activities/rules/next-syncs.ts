import { setTimeout as sleep } from 'node:timers/promises';
import { may } from '../../access/viewer.ts';
import { noteSync, readProgress, readToSync, readUnstarted, recordLooks } from '../../db/rules/rule-syncs.ts';
import type { RuleSync } from '../../db/rules/rule-syncs.ts';
import { changeOutcome } from '../../db/rules/stage-outcomes.ts';
import { setRuleReport } from '../../db/rules/rule-runs.ts';
import { taskLink } from '../../db/tasks/task-log.ts';
import { createSyncTask } from '../../db/tasks/tasks.ts';
import { readSettledRepositories } from '../../db/look/settled-syncs.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Looks } from '../look/create-looks.ts';
import type { RuleRun } from './rule-context.ts';

export interface NextSyncs {
  /** To start now. */
  readonly syncs: readonly (RuleSync & { readonly taskUrl?: string })[];
  /** Whether all syncs of the run have ended. */
  readonly isDone: boolean;
}

const lookEveryMs = 250;
/** The syncs that one call creates: the workflow's history has a few events for each. */
const aCall = 20;
/** The repositories that are looked at together. */
const looksAtOnce = 100;

/**
 * Waits until syncs may be started or all have ended. Creates the tasks of the next ones. A look comes first: a repository in which nothing has
 * changed needs no task.
 */
export async function nextSyncs(
  deps: ActivityDeps,
  looks: Looks,
  run: RuleRun,
  signal: AbortSignal,
): Promise<NextSyncs> {
  const { taskId } = run;
  const em = () => deps.database.em.fork();
  // twice the host's limit: a turn that becomes free is taken at once
  const openAtMost = 2 * deps.syncsPerHost;
  for (;;) {
    const { open, ...counts } = await readProgress(em(), taskId);
    await setRuleReport(em(), taskId, counts);
    // an earlier attempt may have been cut off after it created them
    const unstarted = await readUnstarted(em(), taskId);
    if (unstarted.length > 0) {
      const next = unstarted.slice(0, 2 * aCall);
      return { syncs: next.map((sync) => ({ ...sync, ...taskLink(deps, sync.taskId) })), isDone: false };
    }
    const free = Math.min(openAtMost - open, aCall);
    const created = free > 0 ? await createSyncs(deps, run, free) : 0;
    if (created === 0 && free > 0 && (await lookAtNext(deps, looks, run, signal))) continue;
    if (created === 0 && open === 0) return { syncs: [], isDone: true };
    if (created === 0) await sleep(lookEveryMs, undefined, { signal });
  }
}

/** @returns whether there was one to look at. */
async function lookAtNext(
  deps: ActivityDeps,
  looks: Looks,
  { taskId, rule, viewer, allowPrivate }: RuleRun,
  signal: AbortSignal,
): Promise<boolean> {
  const em = () => deps.database.em.fork();
  const next = await readToSync(em(), taskId, { limit: looksAtOnce, isLookedAt: false });
  if (next.length === 0) return false;
  const permitted = next.filter(({ name }) => may(viewer, 'maintainer', name));
  const ids = permitted.map(({ repositoryId }) => repositoryId);
  const settled = await readSettledRepositories(em(), ids, { mirror: rule.mirror, allowPrivate });
  const unchanged = new Set(await looks.look(settled, () => undefined, signal));
  const changed = next.map(({ repositoryId }) => repositoryId).filter((id) => !unchanged.has(id));
  await recordLooks(em(), taskId, { changed, unchanged: [...unchanged] });
  return true;
}

/** @returns how many. */
async function createSyncs(deps: ActivityDeps, run: RuleRun, count: number): Promise<number> {
  const { taskId, task, rule, viewer } = run;
  const next = await readToSync(deps.database.em.fork(), taskId, {
    limit: count,
    isLookedAt: true,
  });
  for (const { repositoryId, remoteId, name, upstreamName } of next)
    await deps.database.em.fork().transactional(async (em) => {
      if (!may(viewer, 'maintainer', name)) {
        const reason = `${name} is its name now, and ${viewer.name} lacks the role maintainer for it.`;
        await changeOutcome(em, taskId, { upstreamName, outcome: 'LEFT_OUT', reason });
        return;
      }
      const { trigger, allowPrivate } = task.arguments;
      const { task: sync } = await createSyncTask(em, {
        repositoryId,
        remoteId,
        arguments: {
          mirror: rule.mirror,
          confirmRemoval: false,
          dryRun: false,
          ...(allowPrivate === undefined ? {} : { allowPrivate }),
          ...(trigger === undefined ? {} : { trigger }),
        },
        startedBy: task.startedBy ?? null,
      });
      await noteSync(em, taskId, { repositoryId, syncTaskId: sync.id });
    });
  return next.length;
}
