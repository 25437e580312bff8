import type { Em } from '../../db/open-database.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { ManifestToStore } from '../../db/content/store-manifests.ts';
import { describeManifest, fetchManifest } from '../../upstream/fetch-manifest.ts';
import type { LookedUp, TagToLookUp } from '../tags/look-up-tag.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/**
 * What a companion tag leads to now, where it is another manifest than the latest version has. One odd answer must not cost a signature: GET and a
 * second request agree on the digest, and the manifest can be a companion, or the one that is here is gone from the upstream.
 * @throws TidemarkError `COMPANION_DOUBTFUL` where that is not so; what is here stays then.
 */
export async function confirmCompanion(
  em: Em,
  sync: SyncContext,
  { tag, found }: { readonly tag: TagToLookUp; readonly found: LookedUp },
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
      `${digest} is none that such a tag leads to, and ${present.digest} is still there`,
    );
  if (found.kind === 'fetched') return found;
  const { idOf } = await storeManifests(em, [manifest], sync.reuse);
  return { ...found, manifestId: idOf(manifest) };
}

/** An index that lists something, or for a signature, attestation or bill of materials a manifest with layers. */
function canBeCompanion({ parsed }: ManifestToStore, suffix: string): boolean {
  return parsed.manifests.length > 0 || (suffix !== '' && parsed.layers.length > 0);
}

async function isServed({ registry }: SyncContext, digest: string, signal: AbortSignal): Promise<boolean> {
  return (await registry.resolve(digest, { signal })) !== undefined;
}

function doubtful(sync: SyncContext, name: string, reason: string): TidemarkError {
  return new TidemarkError(
    'COMPANION_DOUBTFUL',
    `${describeManifest(sync, name)}: ${reason}. The tag stays as it is here; the next sync asks again.`,
  );
}
