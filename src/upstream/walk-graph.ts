import { findMissingManifests, isDeeperThan } from '../db/staging/find-manifests.ts';
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
}

/**
 * Fetches the manifests below the roots that are not stored or must not be reused, level by level. Each is fetched once, whatever the
 * number of paths to it. Indexes nested deeper than 64 levels are refused (fault 44).
 */
export async function walkGraph(
  deps: Pick<UpstreamDeps, 'database' | 'connections'>,
  upstream: Upstream,
  walk: GraphWalk,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const { reuse } = walk;
  const collector = createCollector<ManifestToStore>(async (batch) => {
    const { stored } = await storeManifests(em, batch, reuse);
    await walk.onStored?.(stored);
  });
  let total = 0;
  for (let round = 1; ; round += 1) {
    const missing = await findMissingManifests(em, walk.rootIds, reuse, roundSize);
    const isWhole = missing.length === 0;
    // for whole graphs too: several syncs may have stored deeper levels from below
    if ((isWhole || round % maxDepth === 0) && (await isDeeperThan(em, walk.rootIds, reuse, maxDepth)))
      throw tooLarge(upstream, `indexes nested deeper than ${maxDepth} levels`);
    if (isWhole) return;
    total += missing.length;
    if (total > maxManifests) throw tooLarge(upstream, `more than ${maxManifests} manifests`);
    try {
      await forEachConcurrently(
        missing,
        { concurrency: walk.concurrency, signal, drains: isThrottle },
        async (child, laneSignal) => {
          const manifest = await deps.connections.run(laneSignal, () =>
            fetchListed(upstream, child, laneSignal),
          );
          if (!manifest) throw childMissing(upstream, child);
          await collector.add(manifest, manifest.document.bytes.byteLength);
        },
      );
    } finally {
      await collector.flush();
    }
  }
}

function childMissing(upstream: Upstream, child: MissingManifest): TidemarkError {
  return new TidemarkError(
    'CHILD_MISSING',
    `${describeManifest(upstream, child.digest)} was answered 404, though the index ${child.parentDigest} lists it. ` +
      'Nothing was changed; push the missing manifest upstream, or leave its tag out with excludeTags.',
  );
}

function tooLarge(upstream: Upstream, what: string): TidemarkError {
  return new TidemarkError(
    'GRAPH_TOO_LARGE',
    `The images of ${upstream.remote.upstreamName} at ${upstream.remote.url} have ${what} below their tags, which is refused. ` +
      'Leave the tag out with excludeTags.',
  );
}
