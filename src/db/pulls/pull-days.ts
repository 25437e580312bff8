import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface PullCount {
  readonly repositoryId: number;
  /** Manifests. */
  readonly pulls: number;
  /** Of manifests and blobs. */
  readonly bytes: number;
}

/** Older days are removed. */
export const pullDaysKept = 400;

/** Adds to the counts of the present day, by the clock of the database. Those of deleted repositories are dropped. */
export async function addPulls(em: Em, counts: readonly PullCount[]): Promise<void> {
  const [ids, pulls, bytes] = [
    counts.map(({ repositoryId }) => repositoryId),
    counts.map((count) => count.pulls),
    counts.map((count) => count.bytes),
  ];
  // In one order, so that two processes do not wait for each other.
  await sql`
    insert into pull_day (day, repository_id, pulls, bytes)
    select (now() at time zone 'UTC')::date, added.* from unnest(${ids}::bigint[], ${pulls}::bigint[], ${bytes}::bigint[]) as added (id, pulls, bytes)
    where exists (select from repository r where r.id = added.id)
    order by added.id
    on conflict (day, repository_id) do update
    set pulls = pull_day.pulls + excluded.pulls, bytes = pull_day.bytes + excluded.bytes`.execute(kysely(em));
}

export async function removeOldPulls(em: Em): Promise<void> {
  await sql`delete from pull_day where day < (now() at time zone 'UTC')::date - ${pullDaysKept}::int`.execute(
    kysely(em),
  );
}
