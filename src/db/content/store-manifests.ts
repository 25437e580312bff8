import { sql } from 'kysely';
import { formatPlatform } from '../../oci/manifest/descriptor.ts';
import type { Descriptor } from '../../oci/manifest/descriptor.ts';
import { indexEntries } from '../../oci/manifest/manifest-parse.ts';
import { parseContentType } from '../../oci/manifest/media-type.ts';
import { holdBlobs, holdManifests } from './hold-content.ts';
import { meaningKey, meaningRows } from './meaning.ts';
import type { ManifestToStore, Meaning } from './meaning.ts';
import type { Em } from '../open-database.ts';
import { mayReuse, recordDelivered } from '../staging/reuse.ts';
import type { Reuse } from '../staging/reuse.ts';
import { kysely } from '../sql.ts';
import { writeDocuments } from './write-documents.ts';
import { blobsOf, meaningOf, writeBlobs, writeChildren } from './write-edges.ts';
import type { ChildEdge } from './write-edges.ts';

export interface StoredManifests {
  readonly idOf: (manifest: ManifestToStore) => number;
  /** How many were new. */
  readonly stored: number;
}

/**
 * Stores new manifests with their edges. Children that are not stored get a row without bytes, so a graph can be stored
 * from the top.
 * @param reuse The rights of the caller with their upstream; undefined for pushed manifests.
 * @returns how many are new to the remote, if there is one: whether others had stored them is not revealed.
 */
export async function storeManifests(
  em: Em,
  manifests: readonly ManifestToStore[],
  reuse?: Reuse,
): Promise<StoredManifests> {
  const distinct = [...new Map(manifests.map((manifest) => [keyOf(manifest), manifest])).values()];
  const ids = new Map<string, number>();
  let stored = 0;
  for (const share of sharesOf(distinct)) {
    const written = await storeShare(em, share, reuse);
    for (const [key, id] of written.ids) ids.set(key, id);
    stored += written.stored;
  }
  return toStored(ids, stored);
}

/** References per transaction; a single manifest may have as many. */
const shareEdges = 10_000;

/** A share is bounded by references: they, not manifests, hold up the event loop. */
function sharesOf(manifests: readonly ManifestToStore[]): ManifestToStore[][] {
  const shares: ManifestToStore[][] = [];
  let edges = Infinity;
  for (const manifest of manifests) {
    const own = manifest.parsed.layers.length + manifest.parsed.manifests.length + 1;
    edges += own;
    const last = shares.at(-1);
    if (last !== undefined && edges <= shareEdges) last.push(manifest);
    else {
      shares.push([manifest]);
      edges = own;
    }
  }
  return shares;
}

interface StoredShare {
  readonly ids: ReadonlyMap<string, number>;
  readonly stored: number;
}

function storeShare(
  em: Em,
  distinct: readonly ManifestToStore[],
  reuse: Reuse | undefined,
): Promise<StoredShare> {
  return em.transactional(async (transaction) => {
    const children = await nameChildren(transaction, distinct, reuse);
    await holdManifests(transaction, [
      ...distinct.map(meaningOf),
      ...children.map(({ digest, mediaType }) => ({ digest, mediaType })),
    ]);
    await holdBlobs(
      transaction,
      distinct.flatMap(({ parsed }) => blobsOf(parsed).map((edge) => edge.descriptor.digest)),
    );
    const fresh = await lockUnstored(transaction, distinct);
    if (fresh.length > 0) {
      const keys = new Set(fresh.map(keyOf));
      await writeDocuments(transaction, fresh);
      await writeChildren(
        transaction,
        children.filter(({ parent }) => keys.has(meaningKey(parent))),
      );
      await writeBlobs(transaction, fresh);
    }
    await redirectListed(transaction, distinct);
    const ids = await readManifestIds(transaction, distinct);
    if (reuse === undefined) return { ids, stored: fresh.length };
    await recordDelivered(transaction, reuse.origin, 'manifest', await readListedIds(transaction, distinct));
    return {
      ids,
      stored: await recordDelivered(transaction, reuse.origin, 'manifest', [...ids.values()]),
    };
  });
}

function toStored(ids: ReadonlyMap<string, number>, stored: number): StoredManifests {
  const idOf = (manifest: ManifestToStore) => {
    const id = ids.get(keyOf(manifest));
    if (id === undefined) throw new Error('a stored manifest has no id');
    return id;
  };
  return { idOf, stored };
}

function keyOf(manifest: ManifestToStore): string {
  return meaningKey(meaningOf(manifest));
}

/**
 * Children by the types in their descriptors, or by their own type if they are stored and typed: some indexes are wrong.
 */
async function nameChildren(
  em: Em,
  manifests: readonly ManifestToStore[],
  reuse: Reuse | undefined,
): Promise<ChildEdge[]> {
  const listed = manifests.flatMap((manifest) =>
    indexEntries(manifest.parsed).manifests.map((child, position) => ({
      parent: meaningOf(manifest),
      position,
      digest: child.digest,
      mediaType: listedType(child),
      platform: child.platform === undefined ? null : formatPlatform(child.platform),
      annotates: child.annotates ?? null,
    })),
  );
  if (listed.length === 0) return [];
  const typed = await readTypes(
    em,
    listed.map(({ digest }) => digest),
    reuse,
  );
  return listed.map((edge) => ({ ...edge, mediaType: typed.get(edge.digest) ?? edge.mediaType }));
}

/** The own types of stored documents that may be reused. */
async function readTypes(
  em: Em,
  digests: readonly string[],
  reuse: Reuse | undefined,
): Promise<Map<string, string>> {
  const found = await sql<{ digest: string; mediaType: string }>`
    select m.digest, m.media_type as "mediaType" from manifest m
    where m.digest = any(${[...new Set(digests)]}::text[]) and m.is_typed and m.raw is not null
      and ${reuse === undefined ? sql`true` : mayReuse('manifest', sql`m.id`, reuse)}`.execute(kysely(em));
  return new Map(found.rows.map((row) => [row.digest, row.mediaType]));
}

/** Without parameters and case, which do not change the meaning. */
export function listedType({ mediaType }: Pick<Descriptor, 'mediaType'>): string {
  return parseContentType(mediaType) ?? mediaType;
}

async function lockUnstored(em: Em, manifests: readonly ManifestToStore[]): Promise<ManifestToStore[]> {
  const locked = await sql<Meaning>`
    select m.digest, m.media_type as "mediaType" from ${meaningRows(manifests.map(meaningOf))}
      join manifest m on m.digest = v.digest and m.media_type = v.media_type
    where m.raw is null order by m.id for no key update of m`.execute(kysely(em));
  const unstored = new Set(locked.rows.map(meaningKey));
  return manifests.filter((manifest) => unstored.has(keyOf(manifest)));
}

/** Stored manifests under the types that the indexes give: the same bytes, which this upstream has sent. */
async function readListedIds(em: Em, manifests: readonly ManifestToStore[]): Promise<number[]> {
  const listed = manifests.flatMap((manifest) => {
    const { listedAs } = manifest;
    const { digest, mediaType } = meaningOf(manifest);
    return listedAs === undefined || listedAs === mediaType ? [] : [{ digest, mediaType: listedAs }];
  });
  if (listed.length === 0) return [];
  const found = await sql<{ id: number }>`
    select m.id from ${meaningRows(listed)} join manifest m on m.digest = v.digest and m.media_type = v.media_type
    where m.raw is not null`.execute(kysely(em));
  return found.rows.map((row) => row.id);
}

/**
 * Corrects the edges of indexes that list a child under a wrong type, unless the bytes are stored under that type as
 * well.
 */
async function redirectListed(em: Em, manifests: readonly ManifestToStore[]): Promise<void> {
  const wrong = manifests.flatMap((manifest) => {
    const { listedAs } = manifest;
    const { digest, mediaType } = meaningOf(manifest);
    return listedAs === undefined || listedAs === mediaType ? [] : [{ digest, mediaType, listedAs }];
  });
  if (wrong.length === 0) return;
  await sql`
    with edge as materialized (
      select e.parent_id, e.position, child.id as child_id
      from unnest(${wrong.map(({ digest }) => digest)}::text[], ${wrong.map(({ listedAs }) => listedAs)}::text[],
        ${wrong.map(({ mediaType }) => mediaType)}::text[]) as v(digest, listed_as, media_type)
      join manifest listed on listed.digest = v.digest and listed.media_type = v.listed_as and listed.raw is null
      join manifest child on child.digest = v.digest and child.media_type = v.media_type
      join manifest_manifest e on e.child_id = listed.id
      order by e.parent_id, e.position for no key update of e
    )
    update manifest_manifest e set child_id = edge.child_id from edge
    where e.parent_id = edge.parent_id and e.position = edge.position`.execute(kysely(em));
}

async function readManifestIds(em: Em, manifests: readonly ManifestToStore[]): Promise<Map<string, number>> {
  const rows = await sql<Meaning & { id: number }>`
    select m.id, m.digest, m.media_type as "mediaType" from ${meaningRows(manifests.map(meaningOf))}
      join manifest m on m.digest = v.digest and m.media_type = v.media_type`.execute(kysely(em));
  return new Map(rows.rows.map((row) => [meaningKey(row), row.id]));
}
