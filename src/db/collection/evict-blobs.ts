import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { kysely } from '../sql.ts';
import { isCached, isInCache } from '../content/cached-blobs.ts';
import type { Em } from '../open-database.ts';
import type { Digest } from '../../oci/digest.ts';

/*
 * The least recently used layers leave the cache, and stay pullable from their upstreams. The limits of the whole cache and of each proxy's part
 * are kept apart.
 */

/** The bytes of the cache of a proxy, or (null) of the whole one, without some blobs; also those that cannot leave it. */
export async function readCacheBytes(
  em: Em,
  proxyId: number | null,
  except: readonly Digest[] = [],
): Promise<number> {
  const isExcepted = sql`b.digest = any(${[...except]}::text[])`;
  const found = await sql<{ bytes: number }>`
    select coalesce((select sum(b.size_bytes) from blob b where ${isInCache(proxyId)}), 0)::bigint
      - coalesce((select sum(b.size_bytes) from blob b where ${isInCache(proxyId)} and ${isExcepted}), 0)::bigint as bytes`.execute(
    kysely(em),
  );
  return found.rows[0]?.bytes ?? 0;
}

export interface CachedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Whether it may leave the cache. */
  readonly isEvictable: boolean;
}

/** The least recently used blobs of a cache. @param idleSeconds The least time since the last use. */
export async function readOldest(
  em: Em,
  proxyId: number | null,
  { limit, idleSeconds }: { readonly limit: number; readonly idleSeconds: number },
): Promise<CachedBlob[]> {
  const found = await sql<CachedBlob>`
    select b.digest, b.size_bytes as "sizeBytes", ${isEvictable} as "isEvictable"
    from (select b.* from blob b where ${isInCache(proxyId)}
      and b.used_at <= now() - make_interval(secs => ${idleSeconds}) order by b.used_at, b.id limit ${limit}) as b
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

/** `evicted`: the caller removes the bytes. `given-up`: others have it in their caches. `needed`: it stays. */
export type Eviction = 'evicted' | 'given-up' | 'needed';

/**
 * Takes a blob out of the cache of a proxy, or (null) out of the whole one. It is marked as not stored, unless something has come to need it, or it
 * was pulled through another proxy or repository too. The caller holds its lock.
 */
export async function evictBlob(em: Em, digest: Digest, proxyId: number | null): Promise<Eviction> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    // The next statements see what those who had the row locked have written: a mount, or a pull.
    const locked = await sql<{ id: number }>`
      select id from blob where digest = ${digest} for no key update`.execute(db);
    const [blob] = locked.rows;
    if (blob === undefined) return 'needed';
    const given = proxyId === null ? undefined : await giveUp(transaction, blob.id, proxyId);
    if (given !== undefined) return given;
    const evicted = await sql`
      update blob b set stored_at = null, size_bytes = null, used_at = null where b.id = ${blob.id} and ${isEvictable}`.execute(
      db,
    );
    if ((evicted.numAffectedRows ?? 0n) === 0n) return 'needed';
    await sql`delete from cached_blob where blob_id = ${blob.id}`.execute(db);
    return 'evicted';
  });
}

/** Takes a blob that others have in their caches out of that of a proxy. Undefined: nobody else has it. */
async function giveUp(em: Em, blobId: number, proxyId: number): Promise<Eviction | undefined> {
  const db = kysely(em);
  const found = await sql<{ isOwn: boolean | null; isShared: boolean | null }>`
    select bool_or(m.proxy_id is not distinct from ${proxyId}) as "isOwn", bool_or(m.proxy_id is distinct from ${proxyId}) as "isShared"
    from cached_blob c left join proxy_repository m on m.repository_id = c.repository_id where c.blob_id = ${blobId}`.execute(
    db,
  );
  const { isOwn, isShared } = found.rows[0] ?? {};
  // it has left since it was chosen
  if (isOwn !== true) return 'needed';
  if (isShared !== true) return undefined;
  await sql`
    delete from cached_blob c using proxy_repository m
    where c.blob_id = ${blobId} and m.repository_id = c.repository_id and m.proxy_id = ${proxyId}`.execute(
    db,
  );
  return 'given-up';
}

/**
 * Whether the stored blob `b` of the cache can be fetched again, and nothing needs its bytes here: no upload, no running sync, no signature, no
 * pinned distribution, and no repository without a source for it that fetches on demand.
 */
const isEvictable: RawBuilder<boolean> = sql`(
  ${isCached} and not exists (select from repository_blob h where h.blob_id = b.id)
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
