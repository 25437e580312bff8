import { findUnasked, markAsked } from '../../db/staging/stage-companions.ts';
import type { ManifestRef } from '../../db/staging/stage-companions.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { ActivityDeps } from '../deps.ts';
import { openFollow } from './companion.ts';
import type { Companion, Follow, SyncWalk } from './companion.ts';
import { createCompanionTags } from './follow-companion-tags.ts';
import type { CompanionTags } from './follow-companion-tags.ts';
import { followReferrers } from './follow-referrers.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import { leaveOutRoots } from '../tags/leave-out-roots.ts';
import { walkGraph } from '../../upstream/walk-graph.ts';

const pageSize = 500;
/** Maximum below one range of tags, far above any real repository. */
const maxCompanions = 200_000;

/**
 * Walks the graphs below the roots, leaves out the roots of other platforms, then syncs the companion tags and referrers of their
 * manifests, and their companions in turn, to any depth. Tag filters do not apply to companions. Each manifest is asked for once a sync
 * (fault 62). Unreadable companions are left out with a warning.
 */
export async function walkWithCompanions(
  deps: ActivityDeps,
  sync: SyncContext,
  roots: SyncWalk,
  signal: AbortSignal,
): Promise<void> {
  await walkGraph(deps, sync, roots, signal);
  const leftOut = await leaveOutRoots(deps, sync, roots, signal);
  const follow = openFollow(deps, sync, roots, signal);
  const { em } = follow;
  const companionTags = createCompanionTags(follow);
  let rootIds = (roots.followedIds ?? roots.rootIds).filter((id) => !leftOut.has(id));
  let total = 0;
  while (rootIds.length > 0) {
    const found: number[] = [];
    for (;;) {
      const page = await findUnasked(em, sync.taskId, rootIds, pageSize);
      if (page.length === 0) break;
      const companions = await followPage(follow, { page, rootIds }, companionTags);
      const asked = page.map(({ id }) => id);
      await markAsked(em, sync.taskId, asked);
      found.push(...companions.map(({ manifestId }) => manifestId));
      total += companions.length;
      if (total > maxCompanions) throw tooMany(sync);
    }
    rootIds = [...new Set(found)];
  }
  await follow.warnOfOthers();
}

async function followPage(
  follow: Follow,
  { page, rootIds }: { readonly page: readonly ManifestRef[]; readonly rootIds: readonly number[] },
  companionTags: CompanionTags,
): Promise<Companion[]> {
  const { companions, unlisted } = await followReferrers(follow, page, rootIds);
  return [...companions, ...(await companionTags.follow(page, unlisted))];
}

function tooMany(sync: SyncContext): TidemarkError {
  return new TidemarkError(
    'GRAPH_TOO_LARGE',
    `The images of ${sync.remote.upstreamName} at ${sync.remote.url} have more than ${maxCompanions} signatures and other referrers ` +
      'below one range of tags, which is refused. Leave the tags out with excludeTags.',
  );
}
