import type { Context } from '@temporalio/activity';
import type { TaskStage } from '../db/schema/tasks.ts';
import { readCommitted } from '../db/versions/commit-version.ts';
import type { CommitResult } from '../db/versions/commit-version.ts';
import type { ContentPlan } from '../db/staging/plan-content.ts';
import { requireRunning, setRunId } from '../db/tasks/open-tasks.ts';
import { finishDryRun } from '../db/staging/plan-dry-run.ts';
import { beginScheduledRun } from '../db/tasks/schedule-runs.ts';
import type { BegunRun, DueRun } from '../db/tasks/schedule-runs.ts';
import { enterStage, startTask } from '../db/tasks/start-task.ts';
import { readNextInLine } from '../db/tasks/sync-turns.ts';
import { endTask, logTaskBegun, logTaskEnded, readTaskNames } from '../db/tasks/task-log.ts';
import { clearStage } from '../db/tasks/tasks.ts';
import type { SyncResult } from '../workflows/sync-input.ts';
import type { UnfinishedSync } from '../workflows/sync-stages.ts';
import { beginSync } from './sync/begin-sync.ts';
import { commitSync } from './sync/commit-sync.ts';
import type { ActivityDeps } from './deps.ts';
import { heartbeat, runActivity } from './failure.ts';
import { fetchBlobs } from './sync/fetch-blobs.ts';
import type { BlobBatch } from './sync/fetch-blobs.ts';
import { fetchDigests } from './tags/fetch-digests.ts';
import { fetchSignatures } from './companions/fetch-signatures.ts';
import { findRemovals } from './tags/find-removals.ts';
import { planSync } from './sync/plan-sync.ts';
import type { SyncPlan } from './sync/plan-sync.ts';
import { createSyncContexts } from './sync/sync-context.ts';
import type { SyncContext } from './sync/sync-context.ts';
import { createUpkeepActivities } from './upkeep/upkeep-activities.ts';
import { verifySelected } from './sync/verify-selected.ts';
import { walkTags } from './tags/walk-tags.ts';
import type { TagRange } from './tags/walk-tags.ts';

export interface TaskInput {
  readonly taskId: number;
}

/** What workflows call; plain JSON in and out, one object each. Workflows import the type only. */
export type Activities = ReturnType<typeof createActivities>['activities'];

/** Makes the activities of a worker; `close` gives back what they hold. */
export function createActivities(deps: ActivityDeps) {
  const contexts = createSyncContexts(deps);
  const fork = () => deps.database.em.fork();
  const runWith = <T>(
    { taskId }: TaskInput,
    work: (sync: SyncContext, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => runRemote((signal) => contexts.use(taskId, (sync) => work(sync, signal)));

  const activities = {
    ...createUpkeepActivities(deps),

    /** Makes the task of a scheduled run that is due, unless one is under way; local. */
    beginScheduledSync: (due: DueRun): Promise<BegunRun> => runActivity(() => beginScheduledRun(fork(), due)),

    /** Keeps which run of the workflow works for a task; local. */
    noteRun: ({ taskId, runId }: TaskInput & { runId: string }): Promise<void> =>
      runActivity(() => setRunId(fork(), taskId, runId)),

    /** Takes the repository for the task, lists the tags, and runs the small stages; null while the upstream's host has no turn to give. */
    beginSync: ({ taskId }: TaskInput): Promise<SyncResult | UnfinishedSync | null> =>
      runRemote(async (signal, { info: { attempt } }) => {
        // an attempt before may have committed, and come neither to say so nor to clear its stage
        const committed = attempt > 1 ? await readCommitted(fork(), taskId) : undefined;
        if (committed !== undefined) {
          await clearStage(fork(), taskId);
          return committed;
        }
        const started = await startTask(fork(), taskId, deps);
        if (started === undefined) return null;
        if (started.state === 'WAITING') await logTaskBegun(fork(), deps.logger, taskId);
        return contexts.use(taskId, (sync) => beginSync(deps, sync, attempt, signal));
      }),

    walkTags: (input: TaskInput & TagRange): Promise<void> =>
      runWith(input, (sync, signal) => walkTags(deps, sync, input, signal)),

    fetchDigests: (input: TaskInput & { part: number; concurrency: number }): Promise<void> =>
      runWith(input, (sync, signal) => fetchDigests(deps, sync, input, signal)),

    /** Stages what a mirror sync removes. */
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

    /** Checks signatures where a policy asks for them, and marks what is not verified. */
    verifySelected: (input: TaskInput): Promise<void> =>
      runWith(input, (_, signal) => verifySelected(deps, input.taskId, signal)),

    /** Local. */
    enterStage: ({ taskId, stage }: TaskInput & { stage: TaskStage }): Promise<void> =>
      runActivity(async () => {
        await requireRunning(fork(), taskId);
        await enterStage(fork(), taskId, stage);
      }),

    /** Publishes the version and ends the task; local. */
    commitSync: ({ taskId }: TaskInput): Promise<CommitResult> =>
      runActivity(({ cancellationSignal: signal }) => commitSync(deps, taskId, { signal })),

    /** Local. */
    finishDryRun: ({ taskId, plan }: TaskInput & { plan: ContentPlan }): Promise<void> =>
      runActivity(async () => {
        await requireRunning(fork(), taskId);
        // its repository may have been made for it, and goes with it
        const names = await readTaskNames(fork(), taskId);
        await finishDryRun(fork(), taskId, plan);
        await logTaskEnded(fork(), deps.logger, taskId, names);
      }),

    /** Local. */
    failTask: ({ taskId, code, message }: TaskInput & { code: string; message: string }): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'FAILED', code, message });
      }),

    /** Local. */
    cancelTask: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'CANCELED' });
      }),

    /** Workflows of the syncs that may have the turn of one that has ended; local. */
    nextInLine: ({ taskId }: TaskInput): Promise<string[]> =>
      runActivity(() => readNextInLine(fork(), taskId, deps.syncsPerHost)),
  };
  return { activities, close: () => contexts.close() };
}

const heartbeatEveryMs = 1_000;

/** Heartbeats tell Temporal that the activity lives; a cancellation reaches it with their answers, within seconds. */
function runRemote<T>(body: (signal: AbortSignal, context: Context) => Promise<T>): Promise<T> {
  return runActivity(async (context) => {
    const timer = setInterval(() => heartbeat(context), heartbeatEveryMs);
    try {
      return await body(context.cancellationSignal, context);
    } finally {
      clearInterval(timer);
    }
  });
}
