import type { Context } from '@temporalio/activity';
import type { TaskStage } from '../db/entities.ts';
import { commitVersion } from '../db/commit-version.ts';
import type { CommitResult } from '../db/commit-version.ts';
import { planContent } from '../db/plan-content.ts';
import type { ContentPlan, StoredBlobRef } from '../db/plan-content.ts';
import { finishDryRun } from '../db/plan-dry-run.ts';
import { countPositions } from '../db/stage-names.ts';
import { stageRemovals } from '../db/stage-tags.ts';
import { enterStage, startTask } from '../db/start-task.ts';
import { finishTask } from '../db/tasks.ts';
import type { ActivityDeps } from './deps.ts';
import { heartbeat, runActivity } from './failure.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import type { BlobBatch } from './fetch-blobs.ts';
import { fetchDigests } from './fetch-digests.ts';
import { forEachConcurrently } from './limiter.ts';
import { listTags } from './list-tags.ts';
import { namingRequest, repositoryUrl } from './naming-request.ts';
import { readPlatforms } from './read-platforms.ts';
import { createSyncContexts } from './sync-context.ts';
import { createUpkeepActivities } from './upkeep-activities.ts';
import { walkTags } from './walk-tags.ts';
import type { TagRange } from './walk-tags.ts';

export interface TaskInput {
  readonly taskId: number;
}

export interface PreparedSync {
  readonly mirror: boolean;
  readonly dryRun: boolean;
  readonly downloadConcurrency: number;
  /** How many manifests `includeTags` names by digest. */
  readonly digests: number;
}

export interface ListedTags {
  /** Names to walk; a name that upstream lists twice counts twice. */
  readonly positions: number;
}

/** What workflows call; plain JSON in and out, one object each (STYLE 7). Workflows import the type only. */
export type Activities = ReturnType<typeof createActivities>['activities'];

/** Makes the activities of a worker; `close` gives back what they hold. */
export function createActivities(deps: ActivityDeps) {
  const contexts = createSyncContexts(deps);
  const fork = () => deps.database.em.fork();

  const activities = {
    ...createUpkeepActivities(deps),

    /** Takes the repository for the task; local. */
    prepareSync: ({ taskId }: TaskInput): Promise<PreparedSync> =>
      runActivity(async () => {
        await startTask(fork(), taskId);
        return contexts.use(taskId, (sync) =>
          Promise.resolve({
            mirror: sync.arguments.mirror,
            dryRun: sync.arguments.dryRun,
            downloadConcurrency: sync.remote.downloadConcurrency,
            digests: sync.filter.digests.length,
          }),
        );
      }),

    listTags: ({ taskId }: TaskInput): Promise<ListedTags> =>
      runActivity((context) =>
        withHeartbeat(context, async (signal) => {
          await enterStage(fork(), taskId, 'LISTING_TAGS');
          const listing = context.info.attempt;
          await contexts.use(taskId, (sync) => listTags(fork(), sync, { listing, signal }));
          return { positions: await countPositions(fork(), taskId) };
        }),
      ),

    walkTags: (input: TaskInput & TagRange): Promise<void> =>
      runActivity((context) =>
        withHeartbeat(context, (signal) =>
          contexts.use(input.taskId, (sync) => walkTags(deps, sync, input, signal)),
        ),
      ),

    fetchDigests: (input: TaskInput & { part: number; concurrency: number }): Promise<void> =>
      runActivity((context) =>
        withHeartbeat(context, (signal) =>
          contexts.use(input.taskId, (sync) => fetchDigests(deps, sync, input, signal)),
        ),
      ),

    /** Counts what is selected and stages what is to be fetched, and for a mirror what is to be removed; local. */
    planSync: ({ taskId }: TaskInput): Promise<ContentPlan> =>
      runActivity(({ cancellationSignal }) =>
        contexts.use(taskId, async (sync) => {
          if (sync.arguments.mirror) await stageRemovals(fork(), sync, sync.filter);
          const plan = await namingRequest(`GET ${repositoryUrl(sync)}/manifests/…`, () =>
            planContent(fork(), taskId, (page) => findLost(deps, page, cancellationSignal)),
          );
          if (!sync.arguments.dryRun) deps.store.checkRoom?.(plan.bytesToFetch);
          return plan;
        }),
      ),

    fetchBlobs: (input: TaskInput & BlobBatch): Promise<void> =>
      runActivity((context) =>
        withHeartbeat(context, (signal) =>
          contexts.use(input.taskId, (sync) => fetchBlobs(deps, sync, input, signal)),
        ),
      ),

    /** Local. */
    enterStage: ({ taskId, stage }: TaskInput & { stage: TaskStage }): Promise<void> =>
      runActivity(() => enterStage(fork(), taskId, stage)),

    /** Reads image platforms, then publishes the version and ends the task; local. */
    commitSync: ({ taskId }: TaskInput): Promise<CommitResult> =>
      runActivity(async ({ cancellationSignal }) => {
        await enterStage(fork(), taskId, 'COMMITTING');
        await readPlatforms(deps, taskId, cancellationSignal);
        return commitVersion(fork(), taskId);
      }),

    /** Local. */
    finishDryRun: ({ taskId, plan }: TaskInput & { plan: ContentPlan }): Promise<void> =>
      runActivity(() => finishDryRun(fork(), taskId, plan)),

    /** Local. */
    failTask: ({ taskId, code, message }: TaskInput & { code: string; message: string }): Promise<void> =>
      runActivity(async () => {
        await finishTask(fork(), taskId, { state: 'FAILED', code, message });
      }),

    /** Local. */
    cancelTask: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        await finishTask(fork(), taskId, { state: 'CANCELED' });
      }),
  };
  return { activities, close: () => contexts.close() };
}

const heartbeatEveryMs = 1_000;

/** Tells Temporal that the activity lives, which is also how a cancellation reaches it within seconds. */
async function withHeartbeat<T>(context: Context, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(context), heartbeatEveryMs);
  try {
    return await body(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}

const lookups = 32;

async function findLost(
  deps: ActivityDeps,
  page: readonly StoredBlobRef[],
  signal: AbortSignal,
): Promise<StoredBlobRef[]> {
  const lost: StoredBlobRef[] = [];
  await forEachConcurrently(page, { concurrency: lookups, signal }, async (blob) => {
    if (!(await deps.store.exists({ digest: blob.digest, size: blob.sizeBytes }))) lost.push(blob);
  });
  return lost;
}
