import { sql } from 'kysely';
import { nameVisible } from '../../access/visibility.ts';
import type { Visibility } from '../../access/visibility.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';
import { heldBlobs } from './read-storage.ts';

/** A day of the visible repositories. */
export interface EstateDay {
  /** Its start in UTC. */
  readonly day: Date;
  /** Of the blobs that are stored now, those that were in the store at the end of the day. */
  readonly storedBytes: number;
  readonly pulls: number;
  readonly servedBytes: number;
}

/** The last days, newest first. The first one is the present day. */
export async function readDays(em: Em, visibility: Visibility, first: number): Promise<EstateDay[]> {
  const found = await sql<Omit<EstateDay, 'day'> & { day: string }>`
    with days as (
      select (now() at time zone 'UTC')::date - back as day from generate_series(0, ${first}::int - 1) as back
    ), stored as (
      select greatest((b.stored_at at time zone 'UTC')::date, (select min(day) from days)) as day, sum(b.size_bytes) as bytes
      from ${heldBlobs(visibility)} join blob b on b.id = held.content_id
      where b.stored_at is not null group by 1
    ), pulled as (
      select p.day, sum(p.pulls) as pulls, sum(p.bytes) as bytes
      from pull_day p join repository r on r.id = p.repository_id
      where p.day >= (select min(day) from days) and ${nameVisible(sql`r.name`, visibility)} group by p.day
    )
    select d.day::text as day, coalesce(sum(stored.bytes) over (order by d.day), 0)::bigint as "storedBytes",
      coalesce(pulled.pulls, 0)::bigint as pulls, coalesce(pulled.bytes, 0)::bigint as "servedBytes"
    from days d left join stored on stored.day = d.day left join pulled on pulled.day = d.day
    order by d.day desc`.execute(kysely(em));
  return found.rows.map((row) => ({ ...row, day: new Date(`${row.day}T00:00:00Z`) }));
}
