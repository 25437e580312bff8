import { fetchManifest } from '../upstream/fetch-manifest.ts';
import type { SignatureChecks } from '../upstream/check-signatures.ts';
import { createLimiter } from '../upstream/limiter.ts';
import type { Limiter } from '../upstream/limiter.ts';
import { createSharedWork } from '../upstream/shared-work.ts';
import { compileSubset } from '../upstream/compile-subset.ts';
import { childrenMissing, describeLeftOut, findLeftOut } from '../upstream/left-out-roots.ts';
import { walkGraph } from '../upstream/walk-graph.ts';
import { Remote } from '../db/schema/remotes.ts';
import { collectedAbsences } from '../db/content/absences.ts';
import type { Database } from '../db/open-database.ts';
import { findReference, keepPulled } from '../db/versions/pull-content.ts';
import type { PullOutcome } from '../db/versions/pull-content.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import type { ManifestRef } from '../db/staging/stage-companions.ts';
import { wantsAtomic } from '../db/policies/signature-policies.ts';
import type { ManifestToStore } from '../db/content/meaning.ts';
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
  /** Whether logins are on: then callers may not use each other's content. */
  readonly isShared: boolean;
  /** How long a client waits under a signature policy, in milliseconds. Default: 10,000. */
  readonly waitMaxMs?: number | undefined;
}

/** A tag or digest that a repository does not have, and the remote to ask. */
export interface MissingManifest {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
  /** Each of them must verify the manifest before it is kept. */
  readonly policies: readonly PolicyKey[];
  /** The manifest, where its remote was asked already. */
  readonly fetched?: ManifestToStore | undefined;
}

export interface PullThrough {
  /**
   * Fetches the manifest with all manifests below it, and commits them into the repository. Blobs are fetched when a client asks for them.
   * Under a policy, signatures and referrers are fetched too, and unverified content is not committed.
   * @returns `absent` when the upstream lacks it or the remote's filters exclude it; `out-of-time` after 10 s under a policy.
   * @throws TidemarkError the upstream's error
   */
  pull(missing: MissingManifest): Promise<PullOutcome>;
  close(): Promise<void>;
}

/** Concurrent requests for manifests, for all clients together. Layers have a limit of their own. */
const maxRequests = 32;
/** How long a client waits under a signature policy. The next client joins the same pull. */
const waitMaxMs = 10_000;
const nothingFound = { atomic: [], problems: [] };

interface Pulling extends PullThroughDeps {
  readonly connections: Limiter;
  readonly signal: AbortSignal;
}

export function createPullThrough(deps: PullThroughDeps): PullThrough {
  const closing = new AbortController();
  const pulling = { ...deps, connections: createLimiter(maxRequests), signal: closing.signal };
  const running = createSharedWork<PullOutcome>();
  const ending = new Set<Promise<unknown>>();

  function begin(missing: MissingManifest): Promise<PullOutcome> {
    const outcome = pullGraph(pulling, missing).finally(() => ending.delete(outcome));
    ending.add(outcome);
    return outcome;
  }

  return {
    async pull(missing) {
      closing.signal.throwIfAborted();
      const { repositoryId, remoteId, policies } = missing;
      const key = JSON.stringify([repositoryId, remoteId, nameOf(missing), policies]);
      // without a signal: a pull continues when its client has left
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

async function pullGraph(pulling: Pulling, missing: MissingManifest): Promise<PullOutcome> {
  const { database, clients } = pulling;
  const em = database.em.fork();
  const present = await findReference(em, missing);
  if (present !== undefined && missing.policies.length === 0) return { kind: 'kept' };
  const remote = await em.findOne(Remote, { id: missing.remoteId });
  if (remote === null || !isSelected(remote, missing)) return { kind: 'absent' };
  // the remote has not delivered it, so it is not told whether it is stored
  if (present?.isDelivered === false) return { kind: 'absent' };
  const upstream = clients.hold(remote);
  try {
    return await pullFrom(pulling, upstream, missing, present);
  } finally {
    upstream.release();
  }
}

async function pullFrom(
  pulling: Pulling,
  upstream: HeldUpstream,
  missing: MissingManifest,
  present: ManifestRef | undefined,
): Promise<PullOutcome> {
  const { database, connections, signal } = pulling;
  const { remote } = upstream;
  const em = database.em.fork();
  const reuse = reuseOf(pulling, missing.repositoryId, remote);
  const root = present ?? (await fetchRoot(pulling, upstream, missing, reuse));
  if (root === undefined) return { kind: 'absent' };
  const { id: manifestId, digest: subject } = root;
  const { platforms } = compileSubset(remote);
  const absences = collectedAbsences();
  const walk = {
    rootIds: [manifestId],
    concurrency: remote.downloadConcurrency,
    reuse,
    platforms,
    absences,
    onAbsent: () => Promise.resolve(),
  };
  await walkGraph(pulling, upstream, walk, signal);
  const [leftOut] = await findLeftOut(pulling, upstream, walk, signal);
  if (leftOut?.kind === 'missing') throw childrenMissing(upstream, leftOut);
  if (leftOut !== undefined) return { kind: 'absent', reason: describeLeftOut(leftOut, platforms) };
  const pulled = { ...missing, manifestId, reuse, absences };
  if (missing.policies.length === 0) {
    await keepPulled(em, { ...pulled, companions: [], atomic: [] });
    return { kind: 'kept' };
  }
  const search = { database, connections, upstream, reuse, subject, platforms, absences };
  const policyIds = missing.policies.map(({ policyId }) => policyId);
  const { companions, problems } = await findCompanions(search, signal);
  const found = (await wantsAtomic(em, policyIds)) ? await findAtomic(search, signal) : nothingFound;
  return keepVerified(
    {
      ...pulling,
      upstream,
      pulled: { ...pulled, companions, atomic: found.atomic },
      problems: [...problems, ...found.problems],
    },
    signal,
  );
}

async function fetchRoot(
  { database, connections, signal }: Pulling,
  upstream: HeldUpstream,
  missing: MissingManifest,
  reuse: Reuse,
): Promise<ManifestRef | undefined> {
  const fetch = () => connections.run(signal, () => fetchManifest(upstream, nameOf(missing), signal));
  const manifest = missing.fetched ?? (await fetch());
  if (manifest === undefined) return undefined;
  const { idOf } = await storeManifests(database.em.fork(), [manifest], reuse);
  return { id: idOf(manifest), digest: manifest.document.digest };
}

function nameOf({ reference }: MissingManifest): string {
  return 'tag' in reference ? reference.tag : reference.digest;
}

function isSelected(remote: Remote, { reference }: MissingManifest): boolean {
  const filter = compileSubset(remote);
  return 'tag' in reference ? filter.matches(reference.tag) : filter.holdsDigest(reference.digest);
}
