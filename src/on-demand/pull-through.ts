import { fetchManifest } from '../activities/fetch-manifest.ts';
import { createLimiter } from '../activities/limiter.ts';
import { compileSubset } from '../activities/sync-context.ts';
import { walkGraph } from '../activities/walk-graph.ts';
import { Remote } from '../db/entities.ts';
import type { Database } from '../db/open-database.ts';
import { hasReference, keepPulled } from '../db/pull-content.ts';
import { storeManifests } from '../db/store-manifests.ts';
import type { Digest } from '../oci/digest.ts';
import type { RemoteClients } from './remote-clients.ts';
import { reuseOf } from './reuse-of.ts';

export interface PullThroughDeps {
  readonly database: Database;
  readonly clients: RemoteClients;
  /** Whether several may not read what is each other's: logins are on. */
  readonly isShared: boolean;
}

/** A tag or digest that a repository does not have, and the remote to look for it at. */
export interface MissingManifest {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
}

export interface PullThrough {
  /**
   * Fetches the manifest with all manifests below it, and commits them into the repository; no blob is fetched before somebody asks.
   * @returns false where the upstream does not have it, or the remote's filters leave it out.
   * @throws TidemarkError of the upstream's
   */
  pull(missing: MissingManifest): Promise<boolean>;
  close(): Promise<void>;
}

/** Manifests that are fetched at one time, for all clients together; beside the layers, for which no manifest waits. */
const maxRequests = 32;

export function createPullThrough(deps: PullThroughDeps): PullThrough {
  const closing = new AbortController();
  const connections = createLimiter(maxRequests);
  const running = new Map<string, Promise<boolean>>();

  async function fetchGraph(missing: MissingManifest): Promise<boolean> {
    const { database, clients } = deps;
    const em = database.em.fork();
    const { signal } = closing;
    if (await hasReference(em, missing)) return true;
    const remote = await em.findOne(Remote, { id: missing.remoteId });
    if (remote === null || !isSelected(remote, missing)) return false;
    const upstream = clients.hold(remote);
    try {
      const manifest = await connections.run(signal, () => fetchManifest(upstream, nameOf(missing), signal));
      if (manifest === undefined) return false;
      const reuse = reuseOf(deps, missing.repositoryId, remote);
      const manifestId = (await storeManifests(em, [manifest], reuse)).idOf(manifest);
      const walk = {
        rootIds: [manifestId],
        concurrency: remote.downloadConcurrency,
        onStored: () => Promise.resolve(),
        reuse,
      };
      await walkGraph({ database, connections }, upstream, walk, signal);
      await keepPulled(em, { ...missing, manifestId, reuse });
      return true;
    } finally {
      upstream.release();
    }
  }

  return {
    pull(missing) {
      closing.signal.throwIfAborted();
      const key = `${missing.repositoryId} ${missing.remoteId} ${nameOf(missing)}`;
      const found = running.get(key);
      if (found !== undefined) return found;
      const pulling = fetchGraph(missing).finally(() => running.delete(key));
      running.set(key, pulling);
      return pulling;
    },
    async close() {
      closing.abort();
      await Promise.allSettled(running.values());
    },
  };
}

function nameOf({ reference }: MissingManifest): string {
  return 'tag' in reference ? reference.tag : reference.digest;
}

function isSelected(remote: Remote, { reference }: MissingManifest): boolean {
  const filter = compileSubset(remote);
  return 'tag' in reference ? filter.matches(reference.tag) : filter.holdsDigest(reference.digest);
}
