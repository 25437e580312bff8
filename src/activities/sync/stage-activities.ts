import type { ContentPlan } from '../../db/staging/plan-content.ts';
import { finishDryRun } from '../../db/staging/plan-dry-run.ts';
import { requireRunning } from '../../db/tasks/open-tasks.ts';
import { logTaskEnded, readTaskNames } from '../../db/tasks/task-log.ts';
import type { SyncResult } from '../../workflows/sync-input.ts';
import { fetchSignatures } from '../companions/fetch-signatures.ts';
import type { ActivityDeps, TaskInput } from '../deps.ts';
import { runActivity, runWithHeartbeat } from '../failure.ts';
import { fetchDigests } from '../tags/fetch-digests.ts';
import { findRemovals } from '../tags/find-removals.ts';
import { namingLoss } from '../tags/upstream-lost.ts';
import { walkTags } from '../tags/walk-tags.ts';
import type { TagRange } from '../tags/walk-tags.ts';
import { commitSync } from './commit-sync.ts';
import { warnOfFailedTags } from './fail-tags.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import type { BlobBatch } from './fetch-blobs.ts';
import { planSync } from './plan-sync.ts';
import type { SyncPlan } from './plan-sync.ts';
import type { SyncContext, SyncContexts } from './sync-context.ts';
import { verifySelected } from './verify-selected.ts';

/** The activities of the stages in workflows/sync-stages.ts. */
export function createStageActivities(deps: ActivityDeps, contexts: SyncContexts) {
  const runWith = <T>(
    { taskId }: TaskInput,
    work: (sync: SyncContext, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => runWithHeartbeat((signal) => contexts.useOnline(taskId, signal, work));

  return {
    walkTags: (input: TaskInput & TagRange): Promise<void> =>
      runWith(input, (sync, signal) => namingLoss(sync, signal, () => walkTags(deps, sync, input, signal))),

    fetchDigests: (input: TaskInput & { part: number; concurrency: number }): Promise<void> =>
      runWith(input, (sync, signal) => fetchDigests(deps, sync, input, signal)),

    /** Stages the removals of a mirror sync. */
    findRemovals: (input: TaskInput): Promise<void> =>
      runWith(input, (sync, signal) => findRemovals(deps, sync, signal)),

    /** Local. */
    planSync: ({ taskId }: TaskInput): Promise<SyncPlan> =>
      runActivity(({ cancellationSignal }) =>
        contexts.use(taskId, (sync) => planSync(deps, sync, cancellationSignal)),
      ),

    fetchBlobs: (input: TaskInput & BlobBatch): Promise<void> =>
      runWith(input, (sync, signal) => fetchBlobs(deps, sync, input, signal)),

    fetchSignatures: (input: TaskInput & TagRange): Promise<void> =>
      runWith(input, (sync, signal) => fetchSignatures(deps, sync, input, signal)),

    /** Checks signatures by the policy in force, and marks what is not verified. */
    verifySelected: (input: TaskInput): Promise<void> =>
      runWithHeartbeat((signal) =>
        contexts.use(input.taskId, () => verifySelected(deps, input.taskId, signal)),
      ),

    /** Publishes the version and ends the task. Local. */
    commitSync: ({ taskId }: TaskInput): Promise<SyncResult> =>
      runActivity(({ cancellationSignal: signal }) => commitSync(deps, taskId, { signal })),

    /** Local. */
    finishDryRun: ({ taskId, plan }: TaskInput & { plan: ContentPlan }): Promise<void> =>
      runActivity(async () => {
        const em = deps.database.em.fork();
        await requireRunning(em, taskId);
        // read first: a repository that was created for this dry run is removed with it
        const names = await readTaskNames(em, taskId);
        await warnOfFailedTags(em, taskId);
        await finishDryRun(em, taskId, plan);
        await logTaskEnded(em, deps.logger, taskId, names);
      }),
  };
}
