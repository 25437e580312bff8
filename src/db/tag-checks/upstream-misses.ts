import { sql } from 'kysely';
import { executePrepared } from '../connection/prepared.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface Miss {
  readonly repositoryId: number;
  /** A tag or digest. */
  readonly reference: string;
}

/** Each new miss removes this many expired ones, so the table holds the misses of one lifetime. */
const removedAtOnce = 100;

/** Remembers that the upstream does not have a tag or digest, for all processes. */
export async function recordMiss(
  em: Em,
  { repositoryId, reference }: Miss,
  ttlSeconds: number,
): Promise<void> {
  if (ttlSeconds === 0) return;
  const db = kysely(em);
  await sql`
    delete from upstream_miss where ctid = any(array(
      select ctid from upstream_miss where expires_at <= now() limit ${removedAtOnce} for update skip locked))`.execute(
    db,
  );
  await sql`
    insert into upstream_miss (repository_id, reference, expires_at)
    values (${repositoryId}, ${reference}, now() + make_interval(secs => ${ttlSeconds}::int))
    on conflict (repository_id, reference) do update set expires_at = excluded.expires_at`.execute(db);
}

export async function isKnownMiss(em: Em, { repositoryId, reference }: Miss): Promise<boolean> {
  const found = await executePrepared(
    em,
    sql<{ reference: string }>`
      select reference from upstream_miss
      where repository_id = ${repositoryId} and reference = ${reference} and expires_at > now()`,
  );
  return found.length > 0;
}
