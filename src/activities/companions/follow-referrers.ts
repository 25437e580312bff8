import { readStoredReferrers, referrerRootName } from '../../db/staging/stage-companions.ts';
import type { ManifestRef, StoredReferrer } from '../../db/staging/stage-companions.ts';
import { stageRoots } from '../../db/staging/stage-tags.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Digest } from '../../oci/digest.ts';
import { createCollector } from '../../upstream/collector.ts';
import { fetchManifest } from '../../upstream/fetch-manifest.ts';
import { describeCompanion } from './companion.ts';
import type { Companion, Follow } from './companion.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { isSideFailure } from './side-look-ups.ts';

interface Claim {
  readonly subject: Digest;
  readonly digest: Digest;
}

export interface FollowedReferrers {
  readonly companions: Companion[];
  /** Manifests whose referrers the API refuses or does not list. Their fallback tags are looked up. */
  readonly unlisted: ReadonlySet<Digest>;
}

/**
 * Fetches and stages the referrers of a page of manifests by the referrers API. A listed manifest with another `subject` is not attached
 * (fault 59).
 */
export async function followReferrers(
  follow: Follow,
  page: readonly ManifestRef[],
  rootIds: readonly number[],
): Promise<FollowedReferrers> {
  const { claims, unlisted } = await listClaims(follow, page, rootIds);
  const companions: Companion[] = [];
  const size = 1_000;
  for (let from = 0; from < claims.length; from += size)
    companions.push(...(await fetchClaimed(follow, claims.slice(from, from + size))));
  const whole = await follow.walk(companions);
  await stageRoots(
    follow.em,
    follow.sync.taskId,
    whole.map(({ manifestId, subject }) => ({ manifestId, name: referrerRootName(subject) })),
  );
  return { companions: whole, unlisted };
}

async function listClaims(
  follow: Follow,
  page: readonly ManifestRef[],
  rootIds: readonly number[],
): Promise<{ readonly claims: Claim[]; readonly unlisted: Set<Digest> }> {
  const { sync, concurrency, signal } = follow;
  const claims: Claim[] = [];
  const unlisted = new Set<Digest>();
  await follow.lists.each(page, { rootIds, concurrency, signal }, async ({ digest: subject }, list) => {
    try {
      const listed = await list();
      if (listed.kind === 'absent') unlisted.add(subject);
      else for (const digest of listed.digests) claims.push({ subject, digest });
    } catch (error) {
      if (!isSideFailure(error, sync)) throw error;
      unlisted.add(subject);
      await follow.problem(subject, `The list of referrers of ${subject}`, error);
    }
  });
  return { claims, unlisted };
}

async function fetchClaimed(follow: Follow, claims: readonly Claim[]): Promise<Companion[]> {
  const { em, sync } = follow;
  const digests = [...new Set(claims.map(({ digest }) => digest))];
  const known = await readStoredReferrers(em, digests, sync.reuse);
  const missing = claims.filter(({ digest }) => !known.has(digest));
  const stored = new Map([...known, ...(await fetchMissing(follow, missing))]);
  const companions: Companion[] = [];
  const warnings: string[] = [];
  for (const { subject, digest } of claims) {
    const found = stored.get(digest);
    // fetchMissing has added the warning
    if (found === undefined) continue;
    if (found.subject === subject)
      companions.push({ subject, manifestId: found.id, kind: 'referrer', name: digest });
    else warnings.push(otherSubject(digest, subject, found.subject));
  }
  await addWarnings(em, sync.taskId, warnings);
  return companions;
}

async function fetchMissing(follow: Follow, claims: readonly Claim[]): Promise<Map<Digest, StoredReferrer>> {
  const { deps, sync, em, concurrency, signal } = follow;
  const fetched = new Map<Digest, StoredReferrer>();
  const collector = createCollector<ManifestToStore>(async (batch) => {
    const { idOf, stored } = await storeManifests(em, batch, sync.reuse);
    for (const manifest of batch) {
      const { digest } = manifest.document;
      fetched.set(digest, { id: idOf(manifest), digest, subject: manifest.parsed.subject?.digest ?? null });
    }
    await follow.onStored(stored);
  });
  const distinct = new Map(claims.map((claim) => [claim.digest, claim]));
  await forEachConcurrently(distinct.values(), { concurrency, signal }, async (claim, laneSignal) => {
    const { subject, digest } = claim;
    try {
      const manifest = await deps.connections.run(laneSignal, () => fetchManifest(sync, digest, laneSignal));
      if (manifest) await collector.add(manifest, manifest.document.bytes.byteLength);
      else
        await addWarnings(em, sync.taskId, [
          `The upstream lists ${digest} as a referrer of ${subject}, but answers 404 for it. It was left out.`,
        ]);
    } catch (error) {
      if (!isSideFailure(error, sync, true)) throw error;
      await follow.problem(subject, describeCompanion({ kind: 'referrer', name: digest, subject }), error);
    }
  });
  await collector.flush();
  return fetched;
}

function otherSubject(digest: Digest, subject: Digest, own: Digest | null): string {
  return (
    `The upstream lists ${digest} as a referrer of ${subject}, but the manifest itself refers to ` +
    `${own ?? 'nothing'}. It was not attached.`
  );
}
