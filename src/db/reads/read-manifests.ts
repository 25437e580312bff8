import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isHeldBySeen } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { isThere, parentRows } from './read-absences.ts';
import type { ParentInVersion } from './read-absences.ts';
import type { BlobRow } from './read-content.ts';
import { kysely } from '../sql.ts';
import { contentVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface ManifestRow {
  readonly id: number;
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string | null;
  readonly sizeBytes: number;
  readonly platform: string | null;
  readonly subject: string | null;
}

/** The platform comes from the config and is visible to those who may read that. */
export function manifestColumns(visibility: Visibility): RawBuilder<unknown> {
  const config = sql`(select c.blob_id from manifest_blob c where c.manifest_id = m.id and c.role = 'config' limit 1)`;
  return sql`m.id, m.digest, m.media_type as "mediaType", m.artifact_type as "artifactType",
    coalesce(m.size_bytes, 0) as "sizeBytes", case when ${isHeldBySeen(config, visibility)} then m.platform end as platform,
    m.subject_digest as subject`;
}

/** Without their documents. */
export async function readManifests(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(ManifestRow | undefined)[]> {
  const found = await sql<ManifestRow>`
    select ${manifestColumns(visibility)} from manifest m where m.id = any(${ids}::bigint[]) and m.raw is not null
      and ${contentVisible('manifest', sql`m.id`, visibility)}`.execute(kysely(em));
  const byId = new Map(found.rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export async function readDocuments(em: Em, ids: readonly number[]): Promise<(Uint8Array | undefined)[]> {
  const found = await sql<{ id: number; raw: Uint8Array | null }>`
    select id, raw from manifest where id = any(${ids}::bigint[])`.execute(kysely(em));
  const byId = new Map(found.rows.map((row) => [row.id, row.raw ?? undefined]));
  return ids.map((id) => byId.get(id));
}

/** The stored children of each index, in its order: those that the version has, or visible ones. */
export async function readChildren(
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
): Promise<ManifestRow[][]> {
  const found = await sql<ManifestRow & { n: number }>`
    select p.n, ${manifestColumns(visibility)}
    from ${parentRows(parents)} join manifest_manifest e on e.parent_id = p.id join manifest m on m.id = e.child_id and m.raw is not null
    where ${isThere(visibility)} order by p.n, e.position`.execute(kysely(em));
  const groups = parents.map((): ManifestRow[] => []);
  for (const row of found.rows) groups[row.n - 1]?.push(row);
  return groups;
}

/** The config, then the layers in order, with repetitions. */
export async function readManifestBlobs(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<BlobRow[][]> {
  const found = await sql<BlobRow & { manifestId: number }>`
    select u.manifest_id as "manifestId", b.id, b.digest, u.size_bytes as "sizeBytes",
      u.media_type as "mediaType", b.stored_at is not null and ${isHeldBySeen(sql`b.id`, visibility)} as "isStored"
    from manifest_blob u join blob b on b.id = u.blob_id
    where u.manifest_id = any(${ids}::bigint[])
    order by u.manifest_id, u.role <> 'config', u.position`.execute(kysely(em));
  return groupRows(ids, found.rows, (row) => row.manifestId);
}

/**
 * The size of each manifest and the distinct blobs below it, through children that the version has, or visible ones; at most
 * 2^53-1 bytes.
 */
export async function readTotalSizes(
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
): Promise<number[]> {
  const found = await sql<{ n: number; totalBytes: number }>`
    with recursive p as materialized (select * from ${parentRows(parents)}), tree (n, id) as (
      select p.n, p.id from p
      union
      select t.n, m.id from tree t join p on p.n = t.n join manifest_manifest e on e.parent_id = t.id
        join manifest m on m.id = e.child_id and ${isThere(visibility)}
    ), below as (
      select distinct on (t.n, u.blob_id) t.n, u.size_bytes
      from tree t join manifest_blob u on u.manifest_id = t.id
      order by t.n, u.blob_id, u.size_bytes
    )
    select p.n, least(coalesce(m.size_bytes, 0) + coalesce((select sum(size_bytes) from below where below.n = p.n), 0),
      9007199254740991)::bigint as "totalBytes"
    from p join manifest m on m.id = p.id`.execute(kysely(em));
  const byPlace = new Map(found.rows.map((row) => [row.n, row.totalBytes]));
  return parents.map((_, at) => byPlace.get(at + 1) ?? 0);
}

function groupRows<Row>(
  ids: readonly number[],
  rows: readonly Row[],
  parentOf: (row: Row) => number,
): Row[][] {
  const byParent = new Map<number, Row[]>();
  for (const row of rows) {
    const group = byParent.get(parentOf(row));
    if (group === undefined) byParent.set(parentOf(row), [row]);
    else group.push(row);
  }
  return ids.map((id) => byParent.get(id) ?? []);
}
