import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Lets one transaction at a time give namespaces to proxies, until it ends. Call it before a row of a proxy is locked. */
export async function lockNamespaces(em: Em): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('namespaces of proxies', 0))`.execute(kysely(em));
}

/** A proxy, other than `proxyId`, that has one of the namespaces. */
export async function findNamespaceOwner(
  em: Em,
  namespaces: readonly string[],
  proxyId: number | undefined,
): Promise<{ readonly name: string; readonly namespaces: readonly string[] } | undefined> {
  if (namespaces.length === 0) return undefined;
  const found = await sql<{ name: string; namespaces: string[] }>`
    select name, namespaces from proxy
    where namespaces && ${[...namespaces]}::text[] and id is distinct from ${proxyId ?? null}::bigint order by name limit 1`.execute(
    kysely(em),
  );
  return found.rows[0];
}

export async function countProxyRepositories(em: Em, proxyIds: readonly number[]): Promise<number[]> {
  const found = await sql<{ id: number; count: number }>`
    select proxy_id as id, count(*)::int as count from proxy_repository
    where proxy_id = any(${[...proxyIds]}::bigint[]) group by proxy_id`.execute(kysely(em));
  const byId = new Map(found.rows.map(({ id, count }) => [id, count]));
  return proxyIds.map((id) => byId.get(id) ?? 0);
}

/** The proxy that has made each repository; undefined: none. */
export async function readMakers(em: Em, repositoryIds: readonly number[]): Promise<(number | undefined)[]> {
  const found = await sql<{ id: number; proxyId: number }>`
    select repository_id as id, proxy_id as "proxyId" from proxy_repository
    where repository_id = any(${[...repositoryIds]}::bigint[])`.execute(kysely(em));
  const byId = new Map(found.rows.map(({ id, proxyId }) => [id, proxyId]));
  return repositoryIds.map((id) => byId.get(id));
}

export interface LockedProxy {
  readonly updatedAtMs: number;
  /** How many repositories it has made. */
  readonly count: number;
}

/** Locks a proxy against changes, and against making by others. Undefined if it was deleted. */
export async function lockMaking(em: Em, proxyId: number): Promise<LockedProxy | undefined> {
  const locked = await sql<{ updatedAtMs: number }>`
    select floor(extract(epoch from updated_at) * 1000)::float8 as "updatedAtMs" from proxy where id = ${proxyId} for no key update`.execute(
    kysely(em),
  );
  const [count = 0] = await countProxyRepositories(em, [proxyId]);
  return locked.rows[0] && { ...locked.rows[0], count };
}

export interface MadeRepository {
  readonly repositoryId: number;
  readonly proxyId: number;
  readonly isPrivate: boolean;
  /** Whether somebody decided on `isPrivate`. */
  readonly isDecided: boolean;
  readonly tagTtlSeconds: number;
  readonly notFoundTtlSeconds: number;
}

/** Notes the maker of a new repository, and lets the distribution at its own name pull through. */
export async function noteMade(em: Em, made: MadeRepository): Promise<void> {
  const db = kysely(em);
  await sql`insert into proxy_repository (repository_id, proxy_id) values (${made.repositoryId}, ${made.proxyId})`.execute(
    db,
  );
  await sql`
    update distribution set pull_through = true, is_private = ${made.isPrivate}, is_decided = ${made.isDecided},
      tag_ttl_seconds = ${made.tagTtlSeconds}, not_found_ttl_seconds = ${made.notFoundTtlSeconds}
    where repository_id = ${made.repositoryId}`.execute(db);
}
