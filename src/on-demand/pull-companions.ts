import { fetchManifest } from '../upstream/fetch-manifest.ts';
import type { Limiter } from '../upstream/limiter.ts';
import { forEachConcurrently } from '../upstream/limiter.ts';
import { walkGraph } from '../upstream/walk-graph.ts';
import type { Absences } from '../db/content/absences.ts';
import type { Database } from '../db/open-database.ts';
import type { PulledCompanion } from '../db/versions/pull-content.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import { storeManifests } from '../db/content/store-manifests.ts';
import type { ManifestToStore } from '../db/content/meaning.ts';
import { companionTag } from '../oci/signatures/companion-tag.ts';
import type { Digest } from '../oci/digest.ts';
import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';
import type { HeldUpstream } from './remote-clients.ts';

/** Referrers of one image that a pull reads. A sync reads all. */
const referrersMost = 100;

export interface CompanionSearch {
  readonly database: Database;
  readonly connections: Limiter;
  readonly upstream: HeldUpstream;
  readonly reuse: Reuse;
  readonly subject: Digest;
  readonly platforms: readonly string[] | null;
  readonly absences: Absences;
}

export interface FoundCompanions {
  /** Stored with all manifests below them; their blobs may be missing. */
  readonly companions: readonly PulledCompanion[];
  /** Problems with companions that could not be read: there may be more companions. */
  readonly problems: readonly string[];
}

interface Found {
  readonly tag: string | null;
  readonly manifest: ManifestToStore;
}

/**
 * Finds the cosign tag and the referrers of a manifest: by the referrers API, or by the fallback tag where the upstream has no API.
 * Unreadable companions are problems and not errors, as in a sync.
 */
export async function findCompanions(search: CompanionSearch, signal: AbortSignal): Promise<FoundCompanions> {
  const { upstream, connections, subject } = search;
  const problems: string[] = [];
  const found: Found[] = [];
  const note = (error: unknown) => {
    if (!isSideFailure(error)) throw error;
    problems.push(error.message);
  };
  const fetchOne = async (reference: string, tag: string | null) => {
    try {
      const manifest = await connections.run(signal, () => fetchManifest(upstream, reference, signal));
      if (manifest !== undefined && belongs(manifest, { tag, subject })) found.push({ tag, manifest });
    } catch (error) {
      note(error);
    }
  };
  const listed = await connections
    .run(signal, () => upstream.registry.listReferrers(subject, { signal }))
    .catch(note);
  const names = [
    companionTag(subject, '.sig'),
    listed?.kind === 'listed' ? undefined : companionTag(subject, ''),
  ];
  const digests = listed?.kind === 'listed' ? listed.digests : [];
  if (digests.length > referrersMost) problems.push(tooMany(digests.length));
  const wishes = [
    ...names.flatMap((tag) => (tag === undefined ? [] : [{ reference: tag, tag }])),
    ...digests.slice(0, referrersMost).map((reference) => ({ reference, tag: null })),
  ];
  const concurrency = upstream.remote.downloadConcurrency;
  await forEachConcurrently(wishes, { concurrency, signal }, ({ reference, tag }) =>
    fetchOne(reference, tag),
  );
  const small = found.filter(({ manifest }) => manifest.parsed.manifests.length <= referrersMost);
  for (const { manifest } of found)
    if (manifest.parsed.manifests.length > referrersMost)
      problems.push(tooMany(manifest.parsed.manifests.length));
  return { companions: await storeWhole(search, small, { note, signal }), problems };
}

/** Stores companions. Returns those whose manifests could all be fetched. */
async function storeWhole(
  { database, connections, upstream, reuse, subject, platforms, absences }: CompanionSearch,
  found: readonly Found[],
  { note, signal }: { readonly note: (error: unknown) => void; readonly signal: AbortSignal },
): Promise<PulledCompanion[]> {
  const manifests = found.map(({ manifest }) => manifest);
  const { idOf } = await storeManifests(database.em.fork(), manifests, reuse);
  const companions: PulledCompanion[] = [];
  for (const { tag, manifest } of found) {
    const manifestId = idOf(manifest);
    const concurrency = upstream.remote.downloadConcurrency;
    const walk = { rootIds: [manifestId], concurrency, reuse, platforms, absences };
    try {
      await walkGraph({ database, connections }, upstream, walk, signal);
      companions.push({ manifestId, subject, tag });
    } catch (error) {
      note(error);
    }
  }
  return companions;
}

/**
 * A referrer names its subject. A fallback tag leads to an index (distribution-spec, "Referrers Tag Schema"); GitLab serves the image
 * itself there.
 */
function belongs(
  { document, parsed }: ManifestToStore,
  { tag, subject }: { readonly tag: string | null; readonly subject: Digest },
): boolean {
  if (tag === null) return parsed.subject?.digest === subject;
  return tag.endsWith('.sig') || (parsed.kind === 'index' && document.digest !== subject);
}

/** Whether the upstream is at fault. Other errors fail the pull. */
export function isSideFailure(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.origin === 'upstream';
}

function tooMany(count: number): string {
  return `${count} manifests refer to it, and a pull reads only ${referrersMost} of them; a sync reads all`;
}
