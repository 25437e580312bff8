import type { Em } from '../../db/open-database.ts';
import type { PresentTag } from '../../db/staging/stage-tags.ts';
import { findStoredManifest } from '../../db/staging/find-manifests.ts';
import type { ManifestToStore } from '../../db/content/store-manifests.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ManifestDocument } from '../../oci/manifest/manifest.ts';
import { fetchManifest } from '../../upstream/fetch-manifest.ts';
import type { SyncContext } from '../sync/sync-context.ts';

export interface TagToLookUp {
  readonly name: string;
  /** What the latest version holds under this name. */
  readonly present: PresentTag | undefined;
  /** What a sync that failed has found under it: where it is still that, it is stored. */
  readonly left?: Digest | undefined;
  /** What was fetched for a tag of a like name: an image often has several. */
  readonly like?: ManifestDocument | undefined;
}

/** What upstream has under a tag. */
export type LookedUp = { readonly name: string } & (
  | {
      readonly kind: 'unchanged' | 'stored';
      readonly manifestId: number;
      readonly mediaType: string;
      readonly digest: Digest;
    }
  | { readonly kind: 'fetched'; readonly manifest: ManifestToStore }
);

/**
 * HEAD for a tag whose digest may be known (registries count GETs as pulls and HEADs not), GET for the others. Undefined where upstream has
 * no such tag; of one that is here, only where HEAD and GET agree on that (`resolve`).
 */
export async function lookUpTag(
  em: Em,
  sync: SyncContext,
  { name, present, left, like }: TagToLookUp,
  signal: AbortSignal,
): Promise<LookedUp | undefined> {
  if (present) {
    const head = await sync.registry.resolve(name, { signal, known: present.digest });
    if (!head) return undefined;
    const unchanged = { name, kind: 'unchanged', ...present } as const;
    if (head === 'unchanged') return unchanged;
    const { mediaType, digest } = head;
    if (digest === present.digest) {
      if (present.isTyped || mediaType === present.mediaType) return unchanged;
      // the same bytes of another type: some registries write a wrong one to HEAD, so GET decides
    } else {
      const manifestId = await findStoredManifest(em, digest, sync.reuse, mediaType);
      if (manifestId !== undefined) return { name, kind: 'stored', manifestId, mediaType, digest };
    }
  }
  if (!present && left !== undefined) {
    const stored = await findLeft(em, sync, name, signal);
    if (stored !== undefined) return stored;
  }
  // the tag may have moved since HEAD: what was really fetched is recorded (fault 34)
  const manifest = await fetchManifest(sync, name, signal, like);
  return manifest && { name, kind: 'fetched', manifest };
}

/** By HEAD, which registries do not count as a pull. */
async function findLeft(
  em: Em,
  sync: SyncContext,
  name: string,
  signal: AbortSignal,
): Promise<LookedUp | undefined> {
  const head = await sync.registry.resolve(name, { signal });
  if (head === undefined || head === 'unchanged') return undefined;
  const manifestId = await findStoredManifest(em, head.digest, sync.reuse, head.mediaType);
  return manifestId === undefined
    ? undefined
    : { name, kind: 'stored', manifestId, mediaType: head.mediaType, digest: head.digest };
}
