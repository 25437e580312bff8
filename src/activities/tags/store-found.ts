import { storeManifests } from '../../db/content/store-manifests.ts';
import type { Em } from '../../db/open-database.ts';
import { keepTags } from '../../db/outcomes/keep-tags.ts';
import { forgetTags } from '../../db/outcomes/seen-tags.ts';
import { stageTags, unstageTags } from '../../db/staging/stage-tags.ts';
import type { StagedTag } from '../../db/staging/stage-tags.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { quoteValue } from '../../oci/error.ts';
import { listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import type { HeldTag } from './await-age.ts';
import type { LookedUp } from './look-up-tag.ts';

export type Found =
  | LookedUp
  | { readonly name: string; readonly kind: 'left-out'; readonly warning: string }
  /** Not known to be gone, so the present tag stays. */
  | { readonly name: string; readonly kind: 'kept'; readonly warning: string }
  | HeldTag;

/** Stores fetched manifests, stages the tags that differ, and adds the roots. Returns the number of new manifests. */
export async function storeFound(
  em: Em,
  sync: SyncContext,
  batch: readonly Found[],
  rootIds: Set<number>,
): Promise<number> {
  const fetched = batch.flatMap((found) => (found.kind === 'fetched' ? [found.manifest] : []));
  const { idOf, stored } = await storeManifests(em, fetched, sync.reuse);
  const staged: StagedTag[] = [];
  for (const found of batch) {
    if (found.kind === 'kept' || found.kind === 'held') continue;
    if (found.kind === 'left-out') {
      staged.push({ name: found.name, manifestId: null });
      continue;
    }
    const manifestId = found.kind === 'fetched' ? idOf(found.manifest) : found.manifestId;
    rootIds.add(manifestId);
    if (found.kind !== 'unchanged') staged.push({ name: found.name, manifestId });
  }
  await stageTags(em, sync.taskId, staged);
  const held = batch.flatMap((found) => (found.kind === 'held' ? [found] : []));
  await keepTags(em, sync.taskId, held);
  const unchanged = batch.filter(({ kind }) => kind === 'unchanged' || kind === 'kept');
  const unstaged = unchanged.map(({ name }) => name);
  await unstageTags(em, sync.taskId, unstaged);
  const isAged = sync.filter.minimumAge !== undefined && !sync.arguments.dryRun;
  if (isAged && listedByFallback(sync) === undefined) {
    const settled = batch.filter(({ kind }) => kind === 'unchanged' || kind === 'left-out');
    await forgetTags(
      em,
      sync.repositoryId,
      settled.map(({ name }) => name),
    );
  }
  const warnings = batch.flatMap((found) =>
    'warning' in found
      ? [{ message: found.warning, name: found.name, differs: differencesOf(found.name) }]
      : [],
  );
  await addWarnings(em, sync.taskId, warnings);
  return stored;
}

/** The places of the name in a message about a tag. */
function differencesOf(name: string): string[] {
  return [`The tag ${name} `, quoteValue(name), `/manifests/${name}`];
}
