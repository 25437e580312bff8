import { keepTags } from '../../db/outcomes/keep-tags.ts';
import type { KeptTag } from '../../db/outcomes/keep-tags.ts';
import { stageRoots } from '../../db/staging/stage-tags.ts';
import { findStoredManifest } from '../../db/staging/find-manifests.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { setProgress } from '../../db/tasks/tasks.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ActivityDeps } from '../deps.ts';
import { fetchManifest } from '../../upstream/fetch-manifest.ts';
import { walkWithCompanions } from '../companions/follow-companions.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { syncWalk } from './leave-out-roots.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** Fetches the manifests that `includeTags` names by digest, with all manifests below them. They become untagged roots. */
export async function fetchDigests(
  deps: ActivityDeps,
  sync: SyncContext,
  options: { readonly part: number; readonly concurrency: number },
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const roots: { manifestId: number; name: string }[] = [];
  let manifestsDone = 0;
  await forEachConcurrently(
    sync.filter.digests,
    { concurrency: options.concurrency, signal },
    async (digest, laneSignal) => {
      const known = await findStoredManifest(em, digest, sync.reuse);
      if (known !== undefined) {
        roots.push({ manifestId: known, name: digest });
        return;
      }
      const found = await deps.connections.run(laneSignal, () => fetchOrLeaveOut(sync, digest, laneSignal));
      if ('warning' in found) {
        await addWarnings(em, sync.taskId, [found.warning]);
        return;
      }
      if ('outcome' in found) {
        await keepTags(em, sync.taskId, [found]);
        return;
      }
      const { idOf, stored } = await storeManifests(em, [found.manifest], sync.reuse);
      manifestsDone += stored;
      roots.push({ manifestId: idOf(found.manifest), name: digest });
    },
  );
  await stageRoots(em, sync.taskId, roots);
  const onStored = async (count: number) => {
    manifestsDone += count;
    const part = { taskId: sync.taskId, stage: 'FETCHING_MANIFESTS', part: options.part } as const;
    await setProgress(em, part, { manifestsDone });
  };
  const rootIds = roots.map((root) => root.manifestId);
  const walk = syncWalk(em, sync, { rootIds, concurrency: options.concurrency, onStored });
  await walkWithCompanions(deps, sync, walk, signal);
}

/** A missing digest is a warning. */
async function fetchOrLeaveOut(
  sync: SyncContext,
  digest: Digest,
  signal: AbortSignal,
): Promise<{ readonly manifest: ManifestToStore } | { readonly warning: string } | KeptTag> {
  try {
    const manifest = await fetchManifest(sync, digest, signal);
    return manifest
      ? { manifest }
      : { warning: `includeTags names ${digest}, which the upstream does not have (404).` };
  } catch (error) {
    if (sync.failures?.accepts(error) !== true) throw error;
    return { name: digest, outcome: 'FAILED', code: error.code, reason: error.message, digest };
  }
}
