import { fetchManifest } from '../upstream/fetch-manifest.ts';
import type { SignatureChecks } from '../upstream/check-signatures.ts';
import { createLimiter } from '../upstream/limiter.ts';
import { createSharedWork } from '../upstream/shared-work.ts';
import { compileSubset } from '../upstream/compile-subset.ts';
import { walkGraph } from '../upstream/walk-graph.ts';
import { Remote } from '../db/schema/remotes.ts';
import type { Database } from '../db/open-database.ts';
import { findReference, keepPulled } from '../db/versions/pull-content.ts';
import type { PullOutcome } from '../db/versions/pull-content.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import type { ManifestRef } from '../db/staging/stage-companions.ts';
import { wantsAtomic } from '../db/policies/signature-policies.ts';
import { storeManifests } from '../db/content/store-manifests.ts';
import type { PolicyKey } from '../db/schema/signatures.ts';
import type { Digest } from '../oci/digest.ts';
import { findAtomic } from './pull-atomic.ts';
import { findCompanions } from './pull-companions.ts';
import { keepVerified } from './pull-verified.ts';
import type { HeldUpstream, RemoteClients } from './remote-clients.ts';
import { reuseOf } from './reuse-of.ts';
import type { UpstreamBlobs } from './upstream-blobs.ts';

export interface PullThroughDeps {
  readonly database: Database;
  readonly clients: RemoteClients;
  readonly blobs: UpstreamBlobs;
  readonly signatures: SignatureChecks;
  /** Whether several may not read what is each other's: logins are on. */
  readonly isShared: boolean;
  /** How long a client waits where signatures are looked for, in milliseconds; default 10,000. */
  readonly waitMaxMs?: number | undefined;
}

/** A tag or digest that a repository does not have, and the remote to look for it at. */
export interface MissingManifest {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
  /** What have to verify it before it is kept, each by itself. */
  readonly policies: readonly PolicyKey[];
}

export interface PullThrough {
  /**
   * Fetches the manifest with all manifests below it, and commits them into the repository; no blob is fetched before somebody asks. Under a
   * policy, what signs it and refers to it comes with it, and nothing is committed that the policy does not verify.
   * @returns `absent` where the upstream does not have it, or the remote's filters leave it out; `out-of-time` after 10 s under a policy.
   * @throws TidemarkError of the upstream's
   */
  pull(missing: MissingManifest): Promise<PullOutcome>;
  close(): Promise<void>;
}

/** Manifests that are fetched at one time, for all clients together; beside the layers, for which no manifest waits. */
const maxRequests = 32;
/** How long a client waits where signatures are looked for; the next one joins what was begun. */
const waitMaxMs = 10_000;
const nothingFound = { atomic: [], problems: [] };

export function createPullThrough(deps: PullThroughDeps): PullThrough {
  const closing = new AbortController();
  const connections = createLimiter(maxRequests);
  const running = createSharedWork<PullOutcome>();
  const ending = new Set<Promise<unknown>>();

  async function fetchGraph(missing: MissingManifest): Promise<PullOutcome> {
    const { database, clients } = deps;
    const em = database.em.fork();
    const present = await findReference(em, missing);
    if (present !== undefined && missing.policies.length === 0) return { kind: 'kept' };
    const remote = await em.findOne(Remote, { id: missing.remoteId });
    if (remote === null || !isSelected(remote, missing)) return { kind: 'absent' };
    // of what the upstream did not bring, it is not told
    if (present?.isDelivered === false) return { kind: 'absent' };
    const upstream = clients.hold(remote);
    try {
      return await fetchFrom(upstream, missing, present);
    } finally {
      upstream.release();
    }
  }

  async function fetchFrom(
    upstream: HeldUpstream,
    missing: MissingManifest,
    present: ManifestRef | undefined,
  ): Promise<PullOutcome> {
    const { database } = deps;
    const { remote } = upstream;
    const { signal } = closing;
    const em = database.em.fork();
    const reuse = reuseOf(deps, missing.repositoryId, remote);
    const root = present ?? (await fetchRoot(upstream, missing, reuse));
    if (root === undefined) return { kind: 'absent' };
    const { id: manifestId, digest: subject } = root;
    const walk = {
      rootIds: [manifestId],
      concurrency: remote.downloadConcurrency,
      onStored: () => Promise.resolve(),
      reuse,
    };
    await walkGraph({ database, connections }, upstream, walk, signal);
    const pulled = { ...missing, manifestId, reuse };
    if (missing.policies.length === 0) {
      await keepPulled(em, { ...pulled, companions: [], atomic: [] });
      return { kind: 'kept' };
    }
    const search = { database, connections, upstream, reuse, subject };
    const policyIds = missing.policies.map(({ policyId }) => policyId);
    const { companions, problems } = await findCompanions(search, signal);
    const found = (await wantsAtomic(em, policyIds)) ? await findAtomic(search, signal) : nothingFound;
    return keepVerified(
      {
        ...deps,
        upstream,
        pulled: { ...pulled, companions, atomic: found.atomic },
        problems: [...problems, ...found.problems],
      },
      signal,
    );
  }

  async function fetchRoot(
    upstream: HeldUpstream,
    missing: MissingManifest,
    reuse: Reuse,
  ): Promise<ManifestRef | undefined> {
    const { signal } = closing;
    const manifest = await connections.run(signal, () => fetchManifest(upstream, nameOf(missing), signal));
    if (manifest === undefined) return undefined;
    const { idOf } = await storeManifests(deps.database.em.fork(), [manifest], reuse);
    return { id: idOf(manifest), digest: manifest.document.digest };
  }

  function begin(missing: MissingManifest): Promise<PullOutcome> {
    const pulling = fetchGraph(missing).finally(() => ending.delete(pulling));
    ending.add(pulling);
    return pulling;
  }

  return {
    async pull(missing) {
      closing.signal.throwIfAborted();
      const { repositoryId, remoteId, policies } = missing;
      const key = JSON.stringify([repositoryId, remoteId, nameOf(missing), policies]);
      // nobody is told of a client that leaves: what was begun goes on to its end
      const waiting =
        policies.length === 0 ? {} : { budget: AbortSignal.timeout(deps.waitMaxMs ?? waitMaxMs) };
      const outcome = await running.join(key, () => begin(missing), waiting);
      return outcome === 'out-of-time' ? { kind: outcome, trusted: undefined, reason: undefined } : outcome;
    },
    async close() {
      closing.abort();
      await Promise.allSettled(ending);
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
