import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { CollectionRun } from './collect-versions.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { addToReport } from '../tasks/upkeep-tasks.ts';

/*
 * Garbage collection. Content is referenced by rows with a foreign key to it: tags and untagged roots of any version,
 * the staging rows of a running sync, uploads, and manifests that list it.
 * Unreferenced content is marked with the time; a new reference clears the mark (store-manifests.ts). Content that keeps
 * its mark for the grace period is locked, checked again and removed. A concurrent reference is seen; a later one waits
 * for the lock and finds the row gone. Foreign keys prevent the removal of referenced content.
 */

/** Tables that refer to a manifest, besides edges. A new table belongs here, with an index on its column. */
const manifestHolders = [
  ['tag_membership', 'manifest_id'],
  ['root_membership', 'manifest_id'],
  ['sync_tag', 'manifest_id'],
  ['sync_root', 'manifest_id'],
  ['sync_asked', 'manifest_id'],
  ['sync_signed', 'manifest_id'],
] as const;

/** Tables that refer to a blob, besides edges. */
const blobHolders = [
  ['repository_blob', 'blob_id'],
  ['sync_blob', 'blob_id'],
] as const;

type Kind = 'manifest' | 'blob';

/** Whether no row of these tables refers to a row of the content table `c`. */
function isUnheld(holders: readonly (readonly [string, string])[]): RawBuilder<unknown> {
  // One index look-up per row, whatever the planner's statistics say (docs/database.md).
  const conditions = holders.map(
    ([table, column]) =>
      sql`not exists (select from lateral (select from ${sql.table(table)} h where h.${sql.ref(column)} = c.id offset 0) as held)`,
  );
  return sql.join(conditions, sql` and `);
}

/**
 * Whether the entry `e` names a stored manifest `c` that is absent from all versions: an index that was synced without it does not hold its
 * content (docs/decisions/0009). The index still holds the row.
 */
const isAbsentEverywhere = sql`(c.raw is not null
  and exists (select from absent_child a where a.parent_id = e.parent_id and a.position = e.position)
  and not exists (select from membership held where held.kind = 'manifest' and held.content_id = c.id))`;

/** Whether no manifest lists it; `live`: whether only condemned ones do. */
function isUnnamed(kind: Kind, by: 'live' | 'any'): RawBuilder<unknown> {
  const [table, parent, child] =
    kind === 'manifest'
      ? ['manifest_manifest', 'parent_id', 'child_id']
      : ['manifest_blob', 'manifest_id', 'blob_id'];
  const isLive = by === 'live' ? sql`and p.condemned_at is null` : sql``;
  const isMeant = kind === 'manifest' ? sql`and not ${isAbsentEverywhere}` : sql``;
  return sql`not exists (select from lateral (
    select from ${sql.table(table)} e join manifest p on p.id = e.${sql.ref(parent)}
    where e.${sql.ref(child)} = c.id ${isLive} ${isMeant} offset 0) as named)`;
}

const holdersOf = { manifest: manifestHolders, blob: blobHolders };
const windowRows = 10_000;

/**
 * Marks unreferenced content from the top of each graph down, and clears the mark of referenced content. Short
 * transactions skip locked rows, which are left to the next run.
 * @param onWindow Called between transactions; its error ends the work.
 */
export async function markUnheld(em: Em, onWindow: () => void): Promise<void> {
  for (const kind of ['manifest', 'blob'] as const) {
    while ((await unmarkHeld(em, kind)) > 0) onWindow();
    const last = await sql<{ id: number }>`
      select coalesce(max(id), 0) as id from ${sql.table(kind)}`.execute(kysely(em));
    for (let from = 0; from <= (last.rows[0]?.id ?? 0); from += windowRows) {
      onWindow();
      await mark(em, kind, sql`c.id > ${from} and c.id <= ${from + windowRows}`);
    }
    if (kind === 'blob') return;
    const isBelow = sql`exists (select from manifest_manifest e join manifest p on p.id = e.parent_id
      where e.child_id = c.id and p.condemned_at is not null)`;
    while ((await mark(em, kind, isBelow)) > 0) onWindow();
  }
}

async function mark(em: Em, kind: Kind, which: RawBuilder<unknown>): Promise<number> {
  const marked = await sql`
    with unheld as (
      select c.id from ${sql.table(kind)} c
      where ${which} and c.condemned_at is null and ${isUnheld(holdersOf[kind])} and ${isUnnamed(kind, 'live')}
      order by c.id for no key update of c skip locked
    )
    update ${sql.table(kind)} m set condemned_at = now() from unheld where m.id = unheld.id`.execute(
    kysely(em),
  );
  return Number(marked.numAffectedRows ?? 0n);
}

async function unmarkHeld(em: Em, kind: Kind): Promise<number> {
  const unmarked = await sql`
    with held as (
      select c.id from ${sql.table(kind)} c
      where c.condemned_at is not null and not (${isUnheld(holdersOf[kind])} and ${isUnnamed(kind, 'live')})
      order by c.id limit ${windowRows} for no key update of c skip locked
    )
    update ${sql.table(kind)} m set condemned_at = null from held where m.id = held.id`.execute(kysely(em));
  return Number(unmarked.numAffectedRows ?? 0n);
}

const isDue = ({ graceSeconds }: CollectionRun) =>
  sql`c.condemned_at <= now() - make_interval(secs => ${graceSeconds})`;

/** Locks the rows that are due. Nobody can refer to them until the transaction ends. */
async function lockDue(em: Em, kind: Kind, run: CollectionRun, limit: number): Promise<number[]> {
  const due = await sql<{ id: number }>`
    select c.id from ${sql.table(kind)} c
    where ${isDue(run)} and ${isUnheld(holdersOf[kind])} and ${isUnnamed(kind, 'any')}
    order by c.id limit ${limit} for update of c skip locked`.execute(kysely(em));
  return due.rows.map((row) => row.id);
}

/**
 * Removes due manifests, from the top down.
 * @returns the number; 0 when none is left.
 */
export async function removeManifests(em: Em, run: CollectionRun, limit: number): Promise<number> {
  return em.transactional(async (transaction) => {
    const ids = await lockDue(transaction, 'manifest', run, limit);
    const emptied = await emptyAbsent(transaction, ids);
    const removed = await sql`
      delete from manifest c where c.id = any(${ids}::bigint[])
        and ${isUnheld(manifestHolders)} and ${isUnnamed('manifest', 'any')}`.execute(kysely(transaction));
    const manifests = Number(removed.numAffectedRows ?? 0n) + emptied;
    await addToReport(transaction, run.taskId, { manifests });
    return manifests;
  });
}

/**
 * Removes the content of manifests that only indexes list which were synced without them. The rows stay, as those of manifests that are known
 * by a parent only.
 */
async function emptyAbsent(em: Em, ids: readonly number[]): Promise<number> {
  const db = kysely(em);
  const absent = await sql<{ id: number }>`
    select c.id from manifest c where c.id = any(${ids}::bigint[]) and ${isUnheld(manifestHolders)}
      and ${isUnnamed('manifest', 'any')} and exists (select from manifest_manifest e where e.child_id = c.id)`.execute(
    db,
  );
  const emptied = absent.rows.map(({ id }) => id);
  if (emptied.length === 0) return 0;
  await sql`delete from manifest_manifest where parent_id = any(${emptied}::bigint[])`.execute(db);
  await sql`delete from manifest_blob where manifest_id = any(${emptied}::bigint[])`.execute(db);
  await sql`delete from signature where manifest_id = any(${emptied}::bigint[])`.execute(db);
  await sql`
    update manifest set kind = null, is_typed = false, artifact_type = null, size_bytes = null, platform = null, platform_read = false,
      subject_digest = null, is_signature = false, raw = null
    where id = any(${emptied}::bigint[])`.execute(db);
  return emptied.length;
}

/**
 * Removes the rows of due blobs. The caller then removes the bytes.
 * @returns their digests.
 */
export async function removeBlobs(em: Em, run: CollectionRun, limit: number): Promise<Digest[]> {
  return em.transactional(async (transaction) => {
    const ids = await lockDue(transaction, 'blob', run, limit);
    const removed = await sql<{ digest: Digest; sizeBytes: number }>`
      delete from blob c where c.id = any(${ids}::bigint[]) and ${isUnheld(blobHolders)} and ${isUnnamed('blob', 'any')}
      returning c.digest, case when c.stored_at is null then 0 else coalesce(c.size_bytes, 0) end as "sizeBytes"`.execute(
      kysely(transaction),
    );
    const bytes = removed.rows.reduce((sum, row) => sum + row.sizeBytes, 0);
    await addToReport(transaction, run.taskId, { blobs: removed.rows.length, bytes });
    return removed.rows.map((row) => row.digest);
  });
}

/** The content that would be removed now. */
export async function countDue(
  em: Em,
  run: CollectionRun,
): Promise<{ manifests: number; blobs: number; bytes: number }> {
  const counted = await sql<{ manifests: number; blobs: number; bytes: number }>`
    select (select count(*) from manifest c where ${isDue(run)} and ${isUnheld(manifestHolders)}) as manifests,
      count(*) as blobs, coalesce(sum(c.size_bytes) filter (where c.stored_at is not null), 0)::bigint as bytes
    from blob c where ${isDue(run)} and ${isUnheld(blobHolders)}`.execute(kysely(em));
  return counted.rows[0] ?? { manifests: 0, blobs: 0, bytes: 0 };
}

/** The digests without a row. */
export async function findUnknownBlobs(em: Em, digests: readonly Digest[]): Promise<Digest[]> {
  const found = await sql<{ digest: Digest }>`
    select digest from unnest(${digests}::text[]) as v(digest)
    where not exists (select from blob where blob.digest = v.digest)`.execute(kysely(em));
  return found.rows.map((row) => row.digest);
}
