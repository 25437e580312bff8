import { stagedAbsences } from '../../db/content/absences.ts';
import type { Em } from '../../db/open-database.ts';
import { keepRoots, readRootNames } from '../../db/staging/root-names.ts';
import { keepTags } from '../../db/outcomes/keep-tags.ts';
import type { KeptTag } from '../../db/outcomes/keep-tags.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { isDigest } from '../../oci/digest.ts';
import { childrenMissing, describeLeftOut, findLeftOut } from '../../upstream/left-out-roots.ts';
import type { LeftOutRoot } from '../../upstream/left-out-roots.ts';
import type { GraphWalk } from '../../upstream/walk-graph.ts';
import type { SyncWalk } from '../companions/companion.ts';
import type { ActivityDeps } from '../deps.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** The walk below tags or digests. A child that the upstream lacks is left out with a warning. */
export function syncWalk(
  em: Em,
  sync: SyncContext,
  walk: Pick<SyncWalk, 'rootIds' | 'followedIds' | 'concurrency' | 'onStored' | 'lists'>,
): SyncWalk {
  return {
    ...walk,
    reuse: sync.reuse,
    platforms: sync.filter.platforms,
    absences: stagedAbsences(sync.taskId),
    failures: sync.failures,
    onAbsent: async ({ digest, parentDigest }) => {
      const message =
        `The upstream does not have the manifest ${digest} (404), which the index ${parentDigest} lists. ` +
        'The index was synced without it. Each sync asks for it again.';
      await addWarnings(em, sync.taskId, [{ message, name: digest, differs: [digest, parentDigest] }]);
    },
  };
}

/**
 * Leaves out the tags and digests of which the platforms of the remote take nothing, with a warning, and those that have failed.
 * @returns the ids of these roots.
 * @throws TidemarkError under FAIL_SYNC, `CHILD_MISSING` for an index of which the upstream has nothing.
 */
export async function leaveOutRoots(
  deps: ActivityDeps,
  sync: SyncContext,
  walk: GraphWalk,
  signal: AbortSignal,
): Promise<Set<number>> {
  const em = deps.database.em.fork();
  const found = await findLeftOut(deps, sync, walk, signal);
  const missing = found.find(({ kind }) => kind === 'missing');
  if (missing !== undefined && sync.failures === undefined) throw childrenMissing(sync, missing);
  if (found.length === 0) return new Set();
  const byId = new Map(found.map((root) => [root.id, root]));
  const names = (await readRootNames(em, sync, [...byId.keys()])).flatMap((name) => {
    const root = byId.get(name.manifestId);
    return root === undefined ? [] : [{ ...name, root }];
  });
  const leftOut = names.map(({ name, root }) => ({ name, root, ...outcomeOf(sync, root) }));
  const { tags = [], digests = [] } = Object.groupBy(leftOut, ({ name }) =>
    isDigest(name) ? 'digests' : 'tags',
  );
  await keepRoots(em, sync.taskId, digests);
  await keepTags(
    em,
    sync.taskId,
    tags.map(({ root: { digest }, ...kept }) => ({ ...kept, digest })),
  );
  // failed tags are named when all are known
  const warned = leftOut.filter(({ outcome }) => outcome === 'NO_PLATFORM');
  const warnings = warned.map(({ name, reason, root }) => ({
    message: `The ${name === root.digest ? 'manifest' : 'tag'} ${name} was left out: ${reason}.`,
    name,
    differs: [` ${name} `],
  }));
  await addWarnings(em, sync.taskId, warnings);
  return new Set(byId.keys());
}

function outcomeOf(sync: SyncContext, root: LeftOutRoot): Pick<KeptTag, 'outcome' | 'code' | 'reason'> {
  if (root.kind === 'platform')
    return { outcome: 'NO_PLATFORM', reason: describeLeftOut(root, sync.filter.platforms) };
  const { code, message: reason } = childrenMissing(sync, root);
  return { outcome: 'FAILED', code, reason };
}
