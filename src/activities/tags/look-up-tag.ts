import type { Em } from '../../db/open-database.ts';
import type { PresentTag } from '../../db/staging/stage-tags.ts';
import { findStoredManifest } from '../../db/staging/find-manifests.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ManifestDocument } from '../../oci/manifest/manifest.ts';
import { fetchManifest } from '../../upstream/fetch-manifest.ts';
import { listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';

export interface TagToLookUp<Held = never> {
  readonly name: string;
  /** The manifest under this name in the latest version. */
  readonly present: PresentTag | undefined;
  /** The manifest that a failed sync stored for this name. */
  readonly left?: Digest | undefined;
  /** A manifest fetched for a similar name. An image often has several tags. */
  readonly like?: ManifestDocument | undefined;
  /** Whether the tag must not take this digest yet: returns what the look-up returns then. */
  readonly hold?: ((digest: Digest) => Promise<Held | undefined>) | undefined;
}

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
 * Sends HEAD for a tag whose digest may be known, because registries count GETs as pulls, and GET for the others. Returns undefined when
 * the upstream has no such tag. For a present tag HEAD and GET must agree on that (`resolve`). A fallback is not asked for present tags.
 */
export async function lookUpTag<Held = never>(
  em: Em,
  sync: SyncContext,
  { name, present, left, like, hold }: TagToLookUp<Held>,
  signal: AbortSignal,
): Promise<LookedUp | Held | undefined> {
  if (present && listedByFallback(sync) !== undefined) return { name, kind: 'unchanged', ...present };
  let agreed = present?.digest;
  if (present || hold) {
    const head = await sync.registry.resolve(name, { signal, ...(present && { known: present.digest }) });
    if (!head) return undefined;
    if (present && (head === 'unchanged' || isSame(head, present)))
      return { name, kind: 'unchanged', ...present };
    if (head !== 'unchanged' && head.digest !== present?.digest) {
      const { mediaType, digest } = head;
      const held = await hold?.(digest);
      if (held !== undefined) return held;
      agreed = digest;
      const manifestId = await findStoredManifest(em, digest, sync.reuse, mediaType);
      if (manifestId !== undefined) return { name, kind: 'stored', manifestId, mediaType, digest };
    }
  }
  if (!present && !hold && left !== undefined) {
    const stored = await findLeft(em, sync, name, signal);
    if (stored !== undefined) return stored;
  }
  // the tag may have moved since HEAD: the fetched manifest counts (fault 34)
  const manifest = await fetchManifest(sync, name, signal, like);
  const fetched = manifest?.document.digest;
  if (fetched !== undefined && fetched !== agreed) {
    const held = await hold?.(fetched);
    if (held !== undefined) return held;
  }
  return manifest && { name, kind: 'fetched', manifest };
}

interface ToldManifest {
  readonly digest: Digest;
  /** Undefined in lists without one. */
  readonly mediaType?: string;
}

/** Some registries send a wrong media type with HEAD, and lists may lack it, so GET decides unless the document has its own. */
export function isSame(head: ToldManifest, present: Omit<PresentTag, 'manifestId'>): boolean {
  return head.digest === present.digest && (present.isTyped || head.mediaType === present.mediaType);
}

/** Uses HEAD, which registries do not count as a pull. */
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
