import type { Absences } from '../db/content/absences.ts';
import type { Em } from '../db/open-database.ts';
import { entriesOf } from '../db/staging/index-entries.ts';
import { findDeepRoots, findMissingManifests } from '../db/staging/find-manifests.ts';
import type { MissingManifest } from '../db/staging/find-manifests.ts';
import { storeManifests } from '../db/content/store-manifests.ts';
import type { ManifestToStore } from '../db/content/meaning.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import { TidemarkError } from '../oci/error.ts';
import { createCollector } from './collector.ts';
import type { UpstreamDeps } from './deps.ts';
import { describeManifest, fetchListed } from './fetch-manifest.ts';
import { isThrottle } from './error-kinds.ts';
import { forEachConcurrently } from './limiter.ts';
import type { Upstream } from './naming-request.ts';
import { createIndexRule } from './rule-indexes.ts';

const roundSize = 500;
const maxDepth = 64;
/** Maximum below one range of tags, far above any real repository. */
const maxManifests = 500_000;

export interface GraphWalk {
  readonly rootIds: readonly number[];
  /** Requests in flight. */
  readonly concurrency: number;
  /** Called after each batch with the number of new manifests. */
  readonly onStored?: (count: number) => Promise<void>;
  readonly reuse: Reuse;
  /** The platforms that the remote takes; null: all. */
  readonly platforms: readonly string[] | null;
  /** Gets what the platforms leave out, and with `onAbsent` what the upstream lacks. */
  readonly absences: Absences;
  /** Called for each child that the upstream lacks. Without it the walk ends with an error. */
  readonly onAbsent?: ((child: MissingManifest) => Promise<void>) | undefined;
  /** Records the content that the upstream cannot deliver, and goes on without it. Absent: its error ends the walk. */
  readonly failures?: WalkFailures | undefined;
}

export interface WalkFailures {
  readonly taskId: number;
  /** Whether the error is about the requested content alone. */
  readonly accepts: (error: unknown) => error is TidemarkError;
  readonly record: (
    content: { readonly kind: 'manifest' | 'blob'; readonly contentId: number },
    error: TidemarkError,
  ) => Promise<void>;
}

/**
 * Fetches the manifests below the roots that are not stored or must not be reused, level by level. Each is fetched once, whatever the
 * number of paths to it. Children of other platforms are left out. Indexes nested deeper than 64 levels are refused (fault 44).
 */
export async function walkGraph(
  deps: Pick<UpstreamDeps, 'database' | 'connections'>,
  upstream: Upstream,
  walk: GraphWalk,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const rule = createIndexRule(walk.platforms, walk.absences);
  await rule.apply(em, walk.rootIds);
  const collector = createCollector<ManifestToStore>(async (batch) => {
    const { stored, idOf } = await storeManifests(em, batch, walk.reuse);
    await rule.apply(em, batch.filter(({ parsed }) => parsed.kind === 'index').map(idOf));
    await walk.onStored?.(stored);
  });
  const fetchChild = createChildFetch(em, deps.connections, upstream, walk);
  let total = 0;
  let { rootIds } = walk;
  for (let round = 1; ; round += 1) {
    const missing = await findMissingManifests(em, rootIds, walk, {
      taskId: walk.failures?.taskId,
      limit: roundSize,
    });
    const isWhole = missing.length === 0;
    // for whole graphs too: several syncs may have stored deeper levels from below
    if (isWhole || round % maxDepth === 0) {
      const kept = await refuseDeep(em, upstream, walk, rootIds);
      if (kept.length < rootIds.length) {
        rootIds = kept;
        continue;
      }
    }
    if (isWhole && !(await rule.applyToOthers(em, rootIds))) return;
    total += missing.length;
    if (total > maxManifests) throw tooLarge(upstream, `more than ${maxManifests} manifests`);
    try {
      await forEachConcurrently(
        missing,
        { concurrency: walk.concurrency, signal, drains: isThrottle },
        async (child, laneSignal) => {
          const manifest = await fetchChild(child, laneSignal);
          if (manifest) await collector.add(manifest, manifest.document.bytes.byteLength);
        },
      );
    } finally {
      await collector.flush();
    }
  }
}

/** Fetches a child. Undefined: the upstream lacks it, or its failure is recorded. */
function createChildFetch(
  em: Em,
  connections: UpstreamDeps['connections'],
  upstream: Upstream,
  { absences, onAbsent, failures }: GraphWalk,
) {
  return async (child: MissingManifest, signal: AbortSignal): Promise<ManifestToStore | undefined> => {
    try {
      const manifest = await connections.run(signal, () => fetchListed(upstream, child, signal));
      if (manifest !== undefined) return manifest;
    } catch (error) {
      if (failures?.accepts(error) !== true) throw error;
      await failures.record({ kind: 'manifest', contentId: child.id }, error);
      return undefined;
    }
    if (onAbsent === undefined) throw childMissing(upstream, child);
    await absences.add(em, await entriesOf(em, [child.digest]));
    await onAbsent(child);
    return undefined;
  };
}

/** Fails the tags of the roots that are nested too deeply, or the walk. @returns the other roots. */
async function refuseDeep(
  em: Em,
  upstream: Upstream,
  walk: GraphWalk,
  rootIds: readonly number[],
): Promise<readonly number[]> {
  const deep = new Set(await findDeepRoots(em, rootIds, walk, maxDepth));
  if (deep.size === 0) return rootIds;
  const error = tooLarge(upstream, `indexes nested deeper than ${maxDepth} levels`);
  if (walk.failures?.accepts(error) !== true) throw error;
  for (const contentId of deep) await walk.failures.record({ kind: 'manifest', contentId }, error);
  return rootIds.filter((id) => !deep.has(id));
}

function childMissing(upstream: Upstream, child: MissingManifest): TidemarkError {
  return new TidemarkError(
    'CHILD_MISSING',
    `${describeManifest(upstream, child.digest)} was answered 404, though the index ${child.parentDigest} lists it. ` +
      'Push the missing manifest upstream, or leave its tag out with excludeTags.',
  );
}

function tooLarge(upstream: Upstream, what: string): TidemarkError {
  return new TidemarkError(
    'GRAPH_TOO_LARGE',
    `The images of ${upstream.remote.upstreamName} at ${upstream.remote.url} have ${what} below their tags, which is refused. ` +
      'Leave the tag out with excludeTags.',
  );
}
