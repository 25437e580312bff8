import { readSyncPolicy, setCheckedBy } from '../../db/policies/stage-signers.ts';
import { dropStagedRemovals } from '../../db/difference/stage-difference.ts';
import type { Em } from '../../db/open-database.ts';
import { enterStage } from '../../db/tasks/start-task.ts';
import type { SyncResult } from '../../workflows/sync-input.ts';
import { runStages } from '../../workflows/sync-stages.ts';
import type { UnfinishedSync } from '../../workflows/sync-stages.ts';
import { findSignatureSource } from '../companions/find-signature-source.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Difference } from '../difference/find-difference.ts';
import { stageDifference } from '../difference/stage-difference.ts';
import { lookFirst } from '../look/look-first.ts';
import { listTags } from '../tags/list-tags.ts';
import { warnOfNarrowed } from '../tags/outside-filter.ts';
import { walkTags } from '../tags/walk-tags.ts';
import { findRemovals } from '../tags/find-removals.ts';
import { runTogether } from '../../upstream/limiter.ts';
import { chooseUpstream } from './choose-upstream.ts';
import { commitSync } from './commit-sync.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import { planSync } from './plan-sync.ts';
import { concurrencyOf } from './sync-context.ts';
import type { SyncContext } from './sync-context.ts';

/**
 * Ends the sync if a look finds nothing to do. Otherwise lists the tags, and runs the stages up to the first that is not small. Each attempt
 * begins with the list; only the first one looks before it.
 * @param attempt Tells this attempt's list of tags from another's; 1 is the first.
 * @param signals `online` ends with the sync window, which a commit may outlast.
 */
export async function beginSync(
  deps: ActivityDeps,
  context: SyncContext,
  attempt: number,
  signals: { readonly signal: AbortSignal; readonly online: AbortSignal },
): Promise<SyncResult | UnfinishedSync> {
  const em = deps.database.em.fork();
  const { taskId } = context;
  await enterStage(em, taskId, 'LISTING_TAGS');
  await chooseUpstream(context, signals.online);
  const whole = { registry: context.registry, difference: undefined };
  const looked = attempt === 1 ? await lookFirst(deps, em, context, signals.online) : whole;
  if (looked === 'completed') return { createdVersion: null };
  const { registry, difference } = looked;
  // the removals of an earlier attempt's difference
  if (context.isDifference && difference === undefined) await dropStagedRemovals(em, taskId);
  const sync = { ...context, registry, isDifference: difference !== undefined };
  return listAndRun(deps, sync, { listing: attempt, difference }, signals);
}

interface ListToRun {
  readonly listing: number;
  readonly difference: Difference | undefined;
}

async function listAndRun(
  deps: ActivityDeps,
  sync: SyncContext,
  { listing, difference }: ListToRun,
  { signal, online }: { readonly signal: AbortSignal; readonly online: AbortSignal },
): Promise<SyncResult | UnfinishedSync> {
  const em = deps.database.em.fork();
  const { taskId } = sync;
  const { dryRun, mirror } = sync.arguments;
  const concurrency = concurrencyOf(sync);
  // a verdict on the stage of an earlier attempt does not hold for this one
  await setCheckedBy(em, taskId, null);
  const positions =
    difference === undefined
      ? await listWhole(deps, em, sync, { listing, signal: online })
      : (await stageDifference(em, sync, difference, listing)).positions;
  const facts = {
    dryRun,
    mirror,
    downloadConcurrency: concurrency,
    requiresSignatures: (await readSyncPolicy(em, taskId)) !== undefined,
    positions,
    digests: sync.filter.digests.length,
    batches: 0,
    blobsToFetch: 0,
    bytesToFetch: 0,
    manifestsToAsk: 0,
    createdVersion: null,
  };
  return runStages(
    { next: 'walkTags', facts },
    {
      onlySmall: true,
      enter: async ({ taskStage }) => {
        if (taskStage !== undefined) await enterStage(em, taskId, taskStage);
      },
      steps: {
        walkTags: () => walkTags(deps, sync, { part: 0, from: 0, to: positions, concurrency }, online),
        findRemovals: () => findRemovals(deps, sync, online),
        planSync: () => planSync(deps, sync, signal),
        fetchBlobs: () => fetchBlobs(deps, sync, { batch: 0, concurrency }, online),
        commitSync: () => commitSync(deps, taskId, { listing, signal }),
      },
    },
  );
}

/** Reads the whole list of tags. @returns the number of positions in it */
async function listWhole(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  { listing, signal }: { readonly listing: number; readonly signal: AbortSignal },
): Promise<number> {
  let positions = 0;
  await runTogether(signal, [
    async (lane) => {
      ({ positions } = await listTags(deps, em, sync, { listing, signal: lane }));
    },
    async (lane) => {
      if (!sync.arguments.dryRun) await findSignatureSource(deps.database.em.fork(), sync, lane);
    },
  ]);
  await warnOfNarrowed(em, sync);
  return positions;
}
