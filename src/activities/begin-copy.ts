import { countPositions } from '../db/stage-names.ts';
import { enterStage } from '../db/start-task.ts';
import type { ActivityDeps } from './deps.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import { findSignatureSource } from './find-signature-source.ts';
import { listTags } from './list-tags.ts';
import { planSync } from './plan-sync.ts';
import type { SyncPlan } from './plan-sync.ts';
import type { SyncContext } from './sync-context.ts';
import { walkTags } from './walk-tags.ts';

/** How far a sync has come in its first step. */
export interface BegunCopy {
  /** Names to walk; a name that upstream lists twice counts twice. */
  readonly positions: number;
  /** Present when all tags are walked. */
  readonly plan?: SyncPlan;
  /** Whether all that was missing is fetched. */
  readonly isFetched?: boolean;
}

export interface BeginCopyOptions {
  /** Tells this attempt's list of tags from another's. */
  readonly listing: number;
  /** The most tags that are walked here. */
  readonly tagsAtMost: number;
  readonly signal: AbortSignal;
}

/**
 * Lists the tags. What is little is copied at once, for each further step is a trip through Temporal, which costs more than a small sync
 * itself: so few tags that one activity would walk them are walked, and blobs that are one batch are fetched.
 */
export async function beginCopy(
  deps: ActivityDeps,
  sync: SyncContext,
  { listing, tagsAtMost, signal }: BeginCopyOptions,
): Promise<BegunCopy> {
  const em = deps.database.em.fork();
  const { taskId } = sync;
  const concurrency = sync.remote.downloadConcurrency;
  await enterStage(em, taskId, 'LISTING_TAGS');
  await listTags(em, sync, { listing, signal });
  if (!sync.arguments.dryRun) await findSignatureSource(em, sync, signal);
  const positions = await countPositions(em, taskId);
  if (positions > tagsAtMost || sync.filter.digests.length > 0) return { positions };

  await enterStage(em, taskId, 'FETCHING_MANIFESTS');
  if (positions > 0) await walkTags(deps, sync, { part: 0, from: 0, to: positions, concurrency }, signal);
  const plan = await planSync(deps, sync, signal);
  if (sync.arguments.dryRun || plan.batches > 1) return { positions, plan };

  if (plan.batches === 1) {
    await enterStage(em, taskId, 'FETCHING_BLOBS');
    await fetchBlobs(deps, sync, { batch: 0, concurrency }, signal);
  }
  return { positions, plan, isFetched: true };
}
