import { sql } from 'kysely';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument, ParsedManifest } from '../oci/manifest.ts';
import { isForeignLayerType } from '../oci/media-type.ts';
import type { Em } from './open-database.ts';
import { kysely } from './sql.ts';

export interface ManifestToStore {
  readonly document: ManifestDocument;
  readonly parsed: ParsedManifest;
}

/**
 * Stores manifests with their edges; what is there already is left. Children that are not stored get a row without raw bytes,
 * so a graph may be stored from the top. All rows are touched in order of digest or id: two syncs cannot deadlock (FAULTS 98).
 * @returns the ids by digest of the manifests given, and how many of them were new.
 */
export async function storeManifests(
  em: Em,
  manifests: readonly ManifestToStore[],
): Promise<{ ids: Map<Digest, number>; stored: number }> {
  const distinct = [...new Map(manifests.map((manifest) => [manifest.document.digest, manifest])).values()];
  if (distinct.length === 0) return { ids: new Map(), stored: 0 };
  return em.transactional(async (transaction) => {
    const digests = namedDigests(distinct);
    await holdRows(transaction, 'manifest', digests.manifests);
    await holdRows(transaction, 'blob', digests.blobs);
    const fresh = await lockUnstored(transaction, distinct);
    if (fresh.length > 0) {
      await writeDocuments(transaction, fresh);
      await writeEdges(transaction, fresh);
    }
    return { ids: await readManifestIds(transaction, distinct), stored: fresh.length };
  });
}

function namedDigests(manifests: readonly ManifestToStore[]) {
  return {
    manifests: sortedSet(
      manifests.flatMap(({ document, parsed }) => [
        document.digest,
        ...parsed.manifests.map((child) => child.digest),
      ]),
    ),
    blobs: sortedSet(
      manifests.flatMap(({ parsed }) => blobsOf(parsed).map((edge) => edge.descriptor.digest)),
    ),
  };
}

/**
 * Makes the rows of these digests that are not there, and locks all of them so that a collection cannot take one away until the edges
 * to them are written (FAULTS 111). Marks of an earlier collection are taken off.
 */
async function holdRows(em: Em, table: 'manifest' | 'blob', digests: readonly string[]): Promise<void> {
  if (digests.length === 0) return;
  const db = kysely(em);
  for (;;) {
    await sql`
      insert into ${sql.table(table)} (digest) select d from unnest(${digests}::text[]) as d
      where not exists (select from ${sql.table(table)} where digest = d) order by d collate "C" on conflict do nothing`.execute(
      db,
    );
    const held = await sql<{ isCondemned: boolean }>`
      select condemned_at is not null as "isCondemned" from ${sql.table(table)}
      where digest = any(${digests}::text[]) order by id for key share`.execute(db);
    // one that was removed between the two statements is made again
    if (held.rows.length < digests.length) continue;
    if (held.rows.some((row) => row.isCondemned)) await pardon(em, table, digests);
    return;
  }
}

async function pardon(em: Em, table: 'manifest' | 'blob', digests: readonly string[]): Promise<void> {
  await sql`
    with condemned as (
      select id from ${sql.table(table)} where digest = any(${digests}::text[]) and condemned_at is not null
      order by id for no key update
    )
    update ${sql.table(table)} c set condemned_at = null from condemned where c.id = condemned.id`.execute(
    kysely(em),
  );
}

async function lockUnstored(em: Em, manifests: readonly ManifestToStore[]): Promise<ManifestToStore[]> {
  const digests = manifests.map(({ document }) => document.digest);
  const locked = await sql<{ digest: Digest }>`
    select digest from manifest where digest = any(${digests}::text[]) and raw is null
    order by id for no key update`.execute(kysely(em));
  const unstored = new Set(locked.rows.map((row) => row.digest));
  return manifests.filter(({ document }) => unstored.has(document.digest));
}

async function writeDocuments(em: Em, manifests: readonly ManifestToStore[]): Promise<void> {
  const { documents, parsed } = {
    documents: manifests.map((manifest) => manifest.document),
    parsed: manifests.map((manifest) => manifest.parsed),
  };
  await sql`
    update manifest m set kind = v.kind, media_type = v.media_type, artifact_type = v.artifact_type,
      subject_digest = v.subject_digest, is_signature = v.is_signature, raw = v.raw, size_bytes = octet_length(v.raw)
    from unnest(
      ${documents.map((document) => document.digest)}::text[],
      ${parsed.map((view) => view.kind)}::text[],
      ${parsed.map((view) => view.mediaType)}::text[],
      ${parsed.map((view) => view.artifactType ?? null)}::text[],
      ${parsed.map((view) => view.subject?.digest ?? null)}::text[],
      ${parsed.map((view) => view.isSignature === true)}::boolean[],
      ${documents.map((document) => document.bytes)}::bytea[]
    ) as v(digest, kind, media_type, artifact_type, subject_digest, is_signature, raw)
    where m.digest = v.digest`.execute(kysely(em));
}

async function writeEdges(em: Em, manifests: readonly ManifestToStore[]): Promise<void> {
  const db = kysely(em);
  const children = manifests.flatMap(({ document, parsed }) =>
    parsed.manifests.map((child, position) => ({ parent: document.digest, position, child: child.digest })),
  );
  if (children.length > 0)
    await sql`
      insert into manifest_manifest (parent_id, position, child_id)
      select parent.id, v.position, child.id
      from unnest(${children.map((edge) => edge.parent)}::text[], ${children.map((edge) => edge.position)}::int[],
        ${children.map((edge) => edge.child)}::text[]) as v(parent, position, child)
      join manifest parent on parent.digest = v.parent join manifest child on child.digest = v.child
      order by parent.id, v.position on conflict do nothing`.execute(db);
  const blobs = manifests.flatMap(({ document, parsed }) =>
    blobsOf(parsed).map((edge, position) => ({ ...edge, parent: document.digest, position })),
  );
  if (blobs.length > 0)
    await sql`
      insert into manifest_blob (manifest_id, position, blob_id, role, media_type, size_bytes, is_foreign)
      select parent.id, v.position, blob.id, v.role, v.media_type, v.size_bytes, v.is_foreign
      from unnest(
        ${blobs.map((edge) => edge.parent)}::text[],
        ${blobs.map((edge) => edge.position)}::int[],
        ${blobs.map((edge) => edge.descriptor.digest)}::text[],
        ${blobs.map((edge) => edge.role)}::text[],
        ${blobs.map((edge) => edge.descriptor.mediaType)}::text[],
        ${blobs.map((edge) => edge.descriptor.size)}::bigint[],
        ${blobs.map((edge) => isForeign(edge.descriptor))}::boolean[]
      ) as v(parent, position, digest, role, media_type, size_bytes, is_foreign)
      join manifest parent on parent.digest = v.parent join blob on blob.digest = v.digest
      order by parent.id, v.position on conflict do nothing`.execute(db);
}

async function readManifestIds(em: Em, manifests: readonly ManifestToStore[]): Promise<Map<Digest, number>> {
  const digests = manifests.map(({ document }) => document.digest);
  const rows = await sql<{ id: number; digest: Digest }>`
    select id, digest from manifest where digest = any(${digests}::text[])`.execute(kysely(em));
  return new Map(rows.rows.map((row) => [row.digest, row.id]));
}

interface BlobEdge {
  readonly descriptor: Descriptor;
  readonly role: 'config' | 'layer';
}

/** Config first, then the layers in order. */
function blobsOf(parsed: ParsedManifest): BlobEdge[] {
  return [
    ...(parsed.config ? [{ descriptor: parsed.config, role: 'config' as const }] : []),
    ...parsed.layers.map((descriptor) => ({ descriptor, role: 'layer' as const })),
  ];
}

/** Not fetched and not missed: bytes that the registry need not have (image-spec, layer.md "Non-Distributable Layers"). */
export function isForeign(descriptor: Descriptor): boolean {
  return isForeignLayerType(descriptor.mediaType) || (descriptor.urls?.length ?? 0) > 0;
}

function sortedSet(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

export interface MissingManifest {
  readonly digest: Digest;
  /** One of the manifests that list it. */
  readonly parentDigest: Digest;
}

/** Manifests below the roots that are known by a parent and not stored: at most `limit`. Each node is visited once (FAULTS 44). */
export async function findMissingManifests(
  em: Em,
  rootIds: readonly number[],
  limit: number,
): Promise<MissingManifest[]> {
  const result = await sql<MissingManifest>`
    with recursive reach(id) as (
      select unnest(${rootIds}::bigint[])
      union
      select edge.child_id from reach join manifest_manifest edge on edge.parent_id = reach.id
    )
    select m.digest, (select parent.digest from manifest_manifest edge join manifest parent on parent.id = edge.parent_id
      where edge.child_id = m.id limit 1) as "parentDigest"
    from reach join manifest m on m.id = reach.id
    where m.raw is null order by m.id limit ${limit}`.execute(kysely(em));
  return result.rows;
}

/**
 * The id of a manifest that is stored whole, whichever repository brought it. A mark of an earlier collection is taken off: it is there for
 * the grace period, within which the caller refers to it.
 */
export async function findStoredManifest(em: Em, digest: Digest): Promise<number | undefined> {
  const result = await sql<{ id: number }>`
    with found as (
      select id, condemned_at from manifest where digest = ${digest} and raw is not null
    ),
    pardoned as (
      update manifest m set condemned_at = null from found
      where m.id = found.id and found.condemned_at is not null returning m.id
    )
    select id from found where condemned_at is null union all select id from pardoned`.execute(kysely(em));
  return result.rows[0]?.id;
}

/** Whether a path of more than `depth` edges leads down from the roots. */
export async function isDeeperThan(em: Em, rootIds: readonly number[], depth: number): Promise<boolean> {
  const result = await sql`
    with recursive reach(id, depth) as (
      select unnest(${rootIds}::bigint[]), 0
      union
      select edge.child_id, reach.depth + 1 from reach join manifest_manifest edge on edge.parent_id = reach.id
      where reach.depth <= ${depth}
    )
    select from reach where depth > ${depth} limit 1`.execute(kysely(em));
  return result.rows.length > 0;
}
