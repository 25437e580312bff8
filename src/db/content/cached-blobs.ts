import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * The cache: blobs that pulls have fetched, which have `used_at`. A proxy has a part of it: what was pulled through the repositories that it
 * has made (`cached_blob`). A blob may be in several parts.
 */

/** How exact the last use is: each blob is written at most once in this time. */
const useSeconds = 3_600;

/** SQL: whether the blob `b` is in the cache. */
export const isCached = sql`(b.used_at is not null and b.stored_at is not null)`;

/** SQL: the rows `c` of `cached_blob` in the parts of proxies, with the proxy in `m.proxy_id`. */
export const cachedByProxies = sql`cached_blob c join proxy_repository m on m.repository_id = c.repository_id`;

export interface BlobUse {
  readonly repositoryId: number;
  readonly digest: string;
}

/**
 * Stored blobs were pulled.
 * @returns the repositories for which a blob is in the cache from now on.
 */
export async function recordUses(em: Em, uses: readonly BlobUse[]): Promise<number[]> {
  // In one order, so that two processes do not wait for each other.
  const added = await sql<{ repositoryId: number }>`
    with given as materialized (
      select distinct r.id as repository_id, b.id, b.used_at
      from unnest(${uses.map((use) => use.repositoryId)}::bigint[], ${uses.map((use) => use.digest)}::text[]) as v(repository_id, digest)
        join blob b on b.digest = v.digest and ${isCached} join repository r on r.id = v.repository_id),
    old as (
      select b.id from blob b where b.id in (select id from given where used_at < now() - make_interval(secs => ${useSeconds}))
      order by b.id for no key update skip locked),
    used as (update blob b set used_at = now() from old where b.id = old.id and ${isCached})
    insert into cached_blob (repository_id, blob_id)
    select g.repository_id, g.id from given g
    where not exists (select from cached_blob c where c.repository_id = g.repository_id and c.blob_id = g.id)
    order by g.repository_id, g.id on conflict do nothing
    returning repository_id as "repositoryId"`.execute(kysely(em));
  return [...new Set(added.rows.map((row) => row.repositoryId))];
}

/** A pull has stored these blobs for a repository. Those that syncs and pushes have stored are not in the cache. */
export async function recordCached(em: Em, repositoryId: number, blobIds: readonly number[]): Promise<void> {
  await sql`
    insert into cached_blob (repository_id, blob_id)
    select ${repositoryId}, b.id from blob b where b.id = any(${[...blobIds]}::bigint[]) and ${isCached}
    on conflict do nothing`.execute(kysely(em));
}

export interface ProxyLimit {
  readonly proxyId: number;
  readonly limitBytes: number;
}

/** The limits of the proxies that have made these repositories. */
export async function readProxyLimits(em: Em, repositoryIds: readonly number[]): Promise<ProxyLimit[]> {
  const found = await sql<ProxyLimit>`
    select p.id as "proxyId", p.cache_bytes as "limitBytes" from proxy p
    where p.cache_bytes is not null and p.id in (
      select proxy_id from proxy_repository where repository_id = any(${[...repositoryIds]}::bigint[]))`.execute(
    kysely(em),
  );
  return found.rows;
}

/** The bytes in the cache of each proxy. A blob that several of its repositories have counts once. */
export async function readCachedBytes(em: Em, proxyIds: readonly number[]): Promise<number[]> {
  const found = await sql<{ id: number; bytes: number }>`
    select part.proxy_id as id, sum(b.size_bytes)::bigint as bytes
    from (select distinct m.proxy_id, c.blob_id from ${cachedByProxies} where m.proxy_id = any(${[...proxyIds]}::bigint[])) as part
      join blob b on b.id = part.blob_id and ${isCached}
    group by part.proxy_id`.execute(kysely(em));
  const byId = new Map(found.rows.map(({ id, bytes }) => [id, bytes]));
  return proxyIds.map((id) => byId.get(id) ?? 0);
}

/** SQL: whether the blob `b` is in the cache of a proxy, or (null) in the whole cache. */
export function isInCache(proxyId: number | null): RawBuilder<unknown> {
  if (proxyId === null) return isCached;
  return sql`(${isCached} and b.id in (select c.blob_id from ${cachedByProxies} where m.proxy_id = ${proxyId}))`;
}
