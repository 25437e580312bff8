import { stageRoots } from '../db/stage-tags.ts';
import { findStoredManifest, storeManifests } from '../db/store-manifests.ts';
import { addWarnings, setProgress } from '../db/tasks.ts';
import type { ActivityDeps } from './deps.ts';
import { fetchManifest } from './fetch-manifest.ts';
import type { SyncContext } from './sync-context.ts';
import { walkGraph } from './walk-graph.ts';

/** Fetches the manifests that `includeTags` names by digest, with all below them; they are kept as untagged roots. */
export async function fetchDigests(
  deps: ActivityDeps,
  sync: SyncContext,
  options: { readonly part: number; readonly concurrency: number },
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const roots: { manifestId: number; name: string }[] = [];
  let manifestsDone = 0;
  for (const digest of sync.filter.digests) {
    let manifestId = await findStoredManifest(em, digest);
    if (manifestId === undefined) {
      const manifest = await deps.connections.run(signal, () => fetchManifest(sync, digest, signal));
      if (!manifest) {
        await addWarnings(em, sync.taskId, [
          `includeTags names ${digest}, which the upstream does not have (404).`,
        ]);
        continue;
      }
      const { ids, stored } = await storeManifests(em, [manifest]);
      manifestsDone += stored;
      manifestId = ids.get(digest);
    }
    if (manifestId !== undefined) roots.push({ manifestId, name: digest });
  }
  await stageRoots(em, sync.taskId, roots);
  const onStored = async (count: number) => {
    manifestsDone += count;
    const part = { taskId: sync.taskId, stage: 'FETCHING_MANIFESTS', part: options.part } as const;
    await setProgress(em, part, { manifestsDone });
  };
  const rootIds = roots.map((root) => root.manifestId);
  await walkGraph(deps, sync, { rootIds, concurrency: options.concurrency, onStored }, signal);
}
