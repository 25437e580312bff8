import type { Em } from '../../db/open-database.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import { describeManifest, fetchManifest } from '../../upstream/fetch-manifest.ts';
import type { LookedUp, TagToLookUp } from '../tags/look-up-tag.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/**
 * Confirms that a companion tag leads to another manifest than in the latest version, because one odd answer must not cost a signature. GET
 * and a second request must agree on the digest. The new manifest must be a possible companion, unless the present one is gone from the
 * upstream.
 * @throws TidemarkError `COMPANION_DOUBTFUL` otherwise; the present companion stays
 */
export async function confirmCompanion(
  em: Em,
  sync: SyncContext,
  { tag, found }: { readonly tag: Pick<TagToLookUp, 'name' | 'present'>; readonly found: LookedUp },
  signal: AbortSignal,
): Promise<LookedUp> {
  const { name, present } = tag;
  const companion = parseCompanionTag(name);
  if (companion === undefined || present === undefined || found.kind === 'unchanged') return found;
  const manifest = found.kind === 'fetched' ? found.manifest : await fetchManifest(sync, name, signal);
  const digest = manifest?.document.digest;
  const second = found.kind === 'stored' ? found : await sync.registry.resolve(name, { signal });
  if (manifest === undefined || second === undefined || second === 'unchanged' || second.digest !== digest)
    throw doubtful(sync, name, 'two requests for it were answered with different manifests');
  if (!canBeCompanion(manifest, companion.suffix) && (await isServed(sync, present.digest, signal)))
    throw doubtful(
      sync,
      name,
      `${digest} cannot be a companion, and the upstream still has ${present.digest}`,
    );
  if (found.kind === 'fetched') return found;
  const { idOf } = await storeManifests(em, [manifest], sync.reuse);
  return { ...found, manifestId: idOf(manifest) };
}

/** A companion is an index with entries. A signature, attestation or SBOM may also be a manifest with layers. */
function canBeCompanion({ parsed }: ManifestToStore, suffix: string): boolean {
  return parsed.manifests.length > 0 || (suffix !== '' && parsed.layers.length > 0);
}

async function isServed({ registry }: SyncContext, digest: string, signal: AbortSignal): Promise<boolean> {
  return (await registry.resolve(digest, { signal })) !== undefined;
}

function doubtful(sync: SyncContext, name: string, reason: string): TidemarkError {
  return new TidemarkError(
    'COMPANION_DOUBTFUL',
    `${describeManifest(sync, name)}: ${reason}. The tag here stays as it is. The next sync asks again.`,
  );
}
