import { sql } from 'kysely';
import type { Descriptor } from '../../oci/manifest/descriptor.ts';
import { indexEntries } from '../../oci/manifest/manifest-parse.ts';
import type { ParsedManifest } from '../../oci/manifest/manifest.ts';
import { isForeignLayerType } from '../../oci/manifest/media-type.ts';
import type { Meaning } from './meaning.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { ManifestToStore } from './meaning.ts';

/** Rows per statement: more values would hold up the event loop. */
const pageLength = 2_000;

export interface ChildEdge extends Meaning {
  readonly parent: Meaning;
  readonly position: number;
  readonly platform: string | null;
  readonly annotates: string | null;
}

export async function writeChildren(em: Em, children: readonly ChildEdge[]): Promise<void> {
  for (const page of pagesOf(children)) await writeChildPage(em, page);
}

async function writeChildPage(em: Em, children: readonly ChildEdge[]): Promise<void> {
  await sql`
    insert into manifest_manifest (parent_id, position, child_id, platform, annotates)
    select parent.id, v.position, child.id, v.platform, v.annotates
    from unnest(
      ${children.map((edge) => edge.parent.digest)}::text[],
      ${children.map((edge) => edge.parent.mediaType)}::text[],
      ${children.map((edge) => edge.position)}::int[],
      ${children.map((edge) => edge.digest)}::text[],
      ${children.map((edge) => edge.mediaType)}::text[],
      ${children.map((edge) => edge.platform)}::text[],
      ${children.map((edge) => edge.annotates)}::text[]
    ) as v(parent, parent_type, position, child, child_type, platform, annotates)
    join manifest parent on parent.digest = v.parent and parent.media_type = v.parent_type
    join manifest child on child.digest = v.child and child.media_type = v.child_type
    order by parent.id, v.position on conflict do nothing`.execute(kysely(em));
}

export async function writeBlobs(em: Em, manifests: readonly ManifestToStore[]): Promise<void> {
  const blobs = manifests.flatMap((manifest) =>
    blobsOf(manifest.parsed).map((edge, position) => ({
      ...edge,
      parent: meaningOf(manifest),
      position,
    })),
  );
  for (const page of pagesOf(blobs)) await writeBlobPage(em, page);
}

async function writeBlobPage(em: Em, blobs: readonly PlacedBlob[]): Promise<void> {
  await sql`
    insert into manifest_blob (manifest_id, position, blob_id, role, media_type, size_bytes, is_foreign, has_data)
    select parent.id, v.position, blob.id, v.role, v.media_type, v.size_bytes, v.is_foreign, v.has_data
    from unnest(
      ${blobs.map((edge) => edge.parent.digest)}::text[],
      ${blobs.map((edge) => edge.parent.mediaType)}::text[],
      ${blobs.map((edge) => edge.position)}::int[],
      ${blobs.map((edge) => edge.descriptor.digest)}::text[],
      ${blobs.map((edge) => edge.role)}::text[],
      ${blobs.map((edge) => edge.descriptor.mediaType)}::text[],
      ${blobs.map((edge) => edge.descriptor.size)}::bigint[],
      ${blobs.map((edge) => isForeign(edge.descriptor))}::boolean[],
      ${blobs.map((edge) => edge.descriptor.hasData === true)}::boolean[]
    ) as v(parent, parent_type, position, digest, role, media_type, size_bytes, is_foreign, has_data)
    join manifest parent on parent.digest = v.parent and parent.media_type = v.parent_type
    join blob on blob.digest = v.digest
    order by parent.id, v.position on conflict do nothing`.execute(kysely(em));
}

export interface BlobEdge {
  readonly descriptor: Descriptor;
  readonly role: 'config' | 'layer' | 'entry';
}

interface PlacedBlob extends BlobEdge {
  readonly parent: Meaning;
  readonly position: number;
}

/** The config, then the layers in order; of an index, the entries that are blobs. */
export function blobsOf(parsed: ParsedManifest): BlobEdge[] {
  return [
    ...(parsed.config ? [{ descriptor: parsed.config, role: 'config' as const }] : []),
    ...parsed.layers.map((descriptor) => ({ descriptor, role: 'layer' as const })),
    ...indexEntries(parsed).blobs.map((descriptor) => ({ descriptor, role: 'entry' as const })),
  ];
}

/**
 * Whether a registry may lack the bytes (image-spec, layer.md "Non-Distributable Layers"). They are fetched if they
 * exist.
 */
export function isForeign(descriptor: Descriptor): boolean {
  return isForeignLayerType(descriptor.mediaType) || (descriptor.urls?.length ?? 0) > 0;
}

export function meaningOf({ document, parsed }: ManifestToStore): Meaning {
  return { digest: document.digest, mediaType: parsed.mediaType };
}

function pagesOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / pageLength) }, (_, page) =>
    items.slice(page * pageLength, (page + 1) * pageLength),
  );
}
