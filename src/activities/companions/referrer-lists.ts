import { findUnasked } from '../../db/staging/stage-companions.ts';
import type { ManifestRef } from '../../db/staging/stage-companions.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Referrers } from '../../registry/registry.ts';
import type { Limiter } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';
import { createAskEach } from './ask-each.ts';
import type { AskEach, AskOptions } from './ask-each.ts';
import { askAside } from './side-look-ups.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** The referrers of the manifests of one walk. Each manifest is asked for once. */
export interface ReferrerLists {
  /**
   * Asks for those of the manifests below present tags, while the tags themselves are looked up. Their errors are thrown where the answers
   * are used. Nothing is asked for where there are many manifests, because no lane would be idle.
   */
  ahead(roots: readonly ManifestRef[], requests: Limiter, signal: AbortSignal): Promise<void>;
  each(
    manifests: readonly ManifestRef[],
    options: Parameters<AskEach>[1],
    take: (manifest: ManifestRef, list: () => Promise<Referrers>) => Promise<void>,
  ): Promise<void>;
}

const aheadMost = 64;

export function createReferrerLists(deps: ActivityDeps, sync: SyncContext): ReferrerLists {
  const askEach = createAskEach(sync.registry);
  const answers = new Map<Digest, PromiseSettledResult<Referrers>>();
  const ask = ({ digest }: ManifestRef, options: AskOptions): Promise<Referrers> =>
    askAside(sync, 'referrers', () =>
      deps.connections.run(options.signal, () => sync.registry.listReferrers(digest, options)),
    );
  return {
    async ahead(roots, requests, signal) {
      if (roots.length === 0 || roots.length > aheadMost) return;
      const rootIds = roots.map(({ id }) => id);
      // one of the roots is asked for then
      const isRemembered = (await sync.registry.referrersAbsence()) !== undefined;
      const manifests = isRemembered
        ? roots
        : await findUnasked(deps.database.em.fork(), sync.taskId, rootIds, aheadMost + 1);
      if (manifests.length > aheadMost) return;
      const lanes = { rootIds, concurrency: aheadMost, signal };
      await askEach(manifests, lanes, async (manifest, options) => {
        const [answer] = await Promise.allSettled([
          requests.run(options.signal, () => ask(manifest, options)),
        ]);
        options.signal.throwIfAborted();
        answers.set(manifest.digest, answer);
      });
    },
    async each(manifests, options, take) {
      const others: ManifestRef[] = [];
      for (const manifest of manifests) {
        const answer = answers.get(manifest.digest);
        answers.delete(manifest.digest);
        if (answer === undefined) others.push(manifest);
        else await take(manifest, () => settled(answer));
      }
      await askEach(others, options, (manifest, call) => take(manifest, () => ask(manifest, call)));
    },
  };
}

async function settled<T>(result: PromiseSettledResult<T>): Promise<T> {
  if (result.status === 'fulfilled') return result.value;
  throw result.reason;
}
