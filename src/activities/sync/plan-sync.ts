import type { ContentPlan } from '../../db/staging/plan-content.ts';
import { planContent } from '../../db/staging/plan-content.ts';
import { recordWrongSizes } from '../../db/outcomes/failed-content.ts';
import { stageSigned } from '../../db/staging/stage-signatures.ts';
import type { Em } from '../../db/open-database.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { failTags } from './fail-tags.ts';
import type { ActivityDeps } from '../deps.ts';
import { namingRequest, repositoryUrl } from '../../upstream/naming-request.ts';
import { findLost } from './find-lost.ts';
import type { SyncContext } from './sync-context.ts';

export interface SyncPlan extends ContentPlan {
  /** Manifests whose atomic signatures are fetched. 0 for a dry run, and without a source of signatures. */
  readonly manifestsToAsk: number;
}

/** Counts the selected content and stages the missing blobs. */
export async function planSync(
  deps: ActivityDeps,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<SyncPlan> {
  const fork = () => deps.database.em.fork();
  const { taskId } = sync;
  await failTags(fork(), taskId);
  const plan = await planSizes(sync, fork, () =>
    namingRequest(`GET ${repositoryUrl(sync)}/manifests/…`, () =>
      planContent(fork(), sync, (page) => findLost(deps, page, signal)),
    ),
  );
  if (sync.arguments.dryRun) return { ...plan, manifestsToAsk: 0 };
  deps.store.quota?.check('The content to fetch', plan.bytesToFetch);
  return {
    ...plan,
    manifestsToAsk: await stageSigned(fork(), taskId, { onlyAsked: sync.filter.isImmutable !== undefined }),
  };
}

/** Skips the tags whose manifests state wrong sizes, and plans the others. */
async function planSizes(
  sync: SyncContext,
  fork: () => Em,
  plan: () => Promise<ContentPlan>,
): Promise<ContentPlan> {
  try {
    return await plan();
  } catch (error) {
    if (sync.failures === undefined || !isTidemarkError(error) || error.code !== 'SIZE_MISMATCH') throw error;
    await recordWrongSizes(fork(), sync.taskId, sync.reuse, error.message);
  }
  await failTags(fork(), sync.taskId);
  return plan();
}
