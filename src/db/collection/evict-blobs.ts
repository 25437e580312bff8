import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { kysely } from '../sql.ts';
import type { Em } from '../open-database.ts';
import type { Digest } from '../../oci/digest.ts';

/*
 * Blobs that a pull has fetched have `used_at`. They are the cache: the least recently used layers leave it, and stay pullable from their
 * upstreams.
 */

/** How exact the last use is: each blob is written at most once in this time. */
const useSeconds = 3_600;

/** The bytes of the cache, also those that cannot leave it. */
export async function readCacheBytes(em: Em): Promise<number> {
  const found = await sql<{ bytes: number }>`
    select coalesce(sum(size_bytes), 0)::bigint as bytes from blob where used_at is not null and stored_at is not null`.execute(
    kysely(em),
  );
  return found.rows[0]?.bytes ?? 0;
}

/** Blobs of the cache were pulled. */
export async function recordUses(em: Em, digests: readonly string[]): Promise<void> {
  // In one order, so that two processes do not wait for each other.
  await sql`
    with used as (
      select id from blob where digest = any(${digests}::text[]) and used_at < now() - make_interval(secs => ${useSeconds})
      order by id for no key update skip locked)
    update blob b set used_at = now() from used where b.id = used.id`.execute(kysely(em));
}

export interface CachedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Whether it may leave the cache. */
  readonly isEvictable: boolean;
}

/** The least recently used blobs of the cache. @param idleSeconds The least time since the last use. */
export async function readOldest(
  em: Em,
  { limit, idleSeconds }: { readonly limit: number; readonly idleSeconds: number },
): Promise<CachedBlob[]> {
  const found = await sql<CachedBlob>`
    select b.digest, b.size_bytes as "sizeBytes", ${isEvictable} as "isEvictable"
    from (select * from blob where used_at is not null and stored_at is not null
      and used_at <= now() - make_interval(secs => ${idleSeconds}) order by used_at, id limit ${limit}) as b
    order by b.used_at, b.id`.execute(kysely(em));
  return found.rows;
}

/** Moves blobs that cannot leave to the end of the order, so that the next look does not find them first. */
export async function postpone(em: Em, digests: readonly string[]): Promise<void> {
  await sql`
    with kept as (
      select id from blob where digest = any(${digests}::text[]) and used_at is not null order by id for no key update skip locked)
    update blob b set used_at = now() from kept where b.id = kept.id`.execute(kysely(em));
}

/** Marks a blob as not stored, unless something has come to need it. The caller holds its lock, and then removes the bytes. */
export async function evictBlob(em: Em, digest: Digest): Promise<boolean> {
  const evicted = await sql`
    update blob b set stored_at = null, size_bytes = null, used_at = null where b.digest = ${digest} and ${isEvictable}`.execute(
    kysely(em),
  );
  return (evicted.numAffectedRows ?? 0n) > 0n;
}

/**
 * Whether the stored blob `b` of the cache can be fetched again, and nothing needs its bytes here: no upload, no running sync, no signature, no
 * pinned distribution, and no repository without a source for it that fetches on demand.
 */
const isEvictable: RawBuilder<boolean> = sql`(
  b.used_at is not null and b.stored_at is not null
  and not exists (select from repository_blob h where h.blob_id = b.id)
  and not exists (select from sync_blob h where h.blob_id = b.id)
  and not exists (select from manifest_blob e join manifest m on m.id = e.manifest_id
    where e.blob_id = b.id and (e.role <> 'layer' or m.is_signature))
  and not exists (
    with recursive up(id) as (
      select e.manifest_id from manifest_blob e where e.blob_id = b.id
      union
      select e.parent_id from up join manifest_manifest e on e.child_id = up.id),
    held as (
      select t.repository_id, t.added_in, t.removed_in from up join tag_membership t on t.manifest_id = up.id
      union all
      select t.repository_id, t.added_in, t.removed_in from up join root_membership t on t.manifest_id = up.id)
    select from held where not exists (select from repository_source s join remote u on u.id = s.remote_id
      where s.repository_id = held.repository_id and s.blob_id = b.id and u.policy <> 'IMMEDIATE')
    union all
    select from held join repository r on r.id = held.repository_id join remote u on u.id = r.remote_id where u.policy = 'IMMEDIATE'
    union all
    select from held join distribution d on d.repository_id = held.repository_id
      and d.version >= held.added_in and (held.removed_in is null or d.version < held.removed_in)
    union all
    select from up join sync_tag s on s.manifest_id = up.id
    union all
    select from up join sync_root s on s.manifest_id = up.id))`;
