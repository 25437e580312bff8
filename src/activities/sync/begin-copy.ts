import type { CommitResult } from '../../db/versions/commit-version.ts';
import { readSyncPolicy, setCheckedBy } from '../../db/policies/stage-signers.ts';
import { enterStage } from '../../db/tasks/start-task.ts';
import { commitSync } from './commit-sync.ts';
import type { ActivityDeps } from '../deps.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import { findRemovals } from '../tags/find-removals.ts';
import { findSignatureSource } from '../companions/find-signature-source.ts';
import { listTags } from '../tags/list-tags.ts';
import { warnOfNarrowed } from '../tags/outside-filter.ts';
import { planSync } from './plan-sync.ts';
import type { SyncPlan } from './plan-sync.ts';
import type { SyncContext } from './sync-context.ts';
import { walkTags } from '../tags/walk-tags.ts';

/** How far a sync has come in its first step: to its end, or what is still to do. */
export type BegunCopy = { readonly committed: CommitResult } | UnfinishedCopy;

export interface UnfinishedCopy {
  readonly committed?: undefined;
  readonly dryRun: boolean;
  /** Whether what the upstream no longer has is removed. */
  readonly mirror: boolean;
  readonly downloadConcurrency: number;
  /** How many manifests `includeTags` names by digest. */
  readonly digests: number;
  /** Whether a signature policy decides on what is committed. */
  readonly requiresSignatures: boolean;
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
 * itself: so few tags that one activity would walk them are walked, blobs that are one batch are fetched, and what needs no look at
 * signatures is committed.
 */
export async function beginCopy(
  deps: ActivityDeps,
  sync: SyncContext,
  { listing, tagsAtMost, signal }: BeginCopyOptions,
): Promise<BegunCopy> {
  const em = deps.database.em.fork();
  const { taskId } = sync;
  const { dryRun, mirror } = sync.arguments;
  const concurrency = sync.arguments.overrides?.downloadConcurrency ?? sync.remote.downloadConcurrency;
  await enterStage(em, taskId, 'LISTING_TAGS');
  // what an attempt before has checked is staged anew
  await setCheckedBy(em, taskId, null);
  const { positions } = await listTags(em, sync, { listing, signal });
  await warnOfNarrowed(em, sync);
  if (!dryRun) await findSignatureSource(em, sync, signal);
  const requiresSignatures = (await readSyncPolicy(em, taskId)) !== undefined;
  const digests = sync.filter.digests.length;
  const begun = { dryRun, mirror, downloadConcurrency: concurrency, digests, requiresSignatures, positions };
  if (positions > tagsAtMost || digests > 0) return begun;

  await enterStage(em, taskId, 'FETCHING_MANIFESTS');
  if (positions > 0) await walkTags(deps, sync, { part: 0, from: 0, to: positions, concurrency }, signal);
  await findRemovals(deps, sync, signal);
  const plan = await planSync(deps, sync, signal);
  if (dryRun || plan.batches > 1) return { ...begun, plan };

  if (plan.batches === 1) {
    await enterStage(em, taskId, 'FETCHING_BLOBS');
    await fetchBlobs(deps, sync, { batch: 0, concurrency }, signal);
  }
  if (requiresSignatures || (plan.manifestsToAsk ?? 0) > 0) return { ...begun, plan, isFetched: true };
  return { committed: await commitSync(deps, taskId, { listing, signal }) };
}
