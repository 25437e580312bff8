import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/**
 * The names that a sync walks, numbered from 0 in listed order. Each attempt writes a listing of its own, and
 * `finishListing` selects one: a timed-out attempt that still runs cannot mix in its pages.
 */
export interface Listing {
  readonly taskId: number;
  readonly listing: number;
}

/** Names per row; a reader unpacks the whole row. */
const rowNames = 1_000;

/** Stages a page of any size: some registries list all names in one. */
export async function stageNames(
  em: Em,
  listing: Listing,
  page: { readonly firstPosition: number; readonly names: readonly string[] },
): Promise<void> {
  for (let from = 0; from < page.names.length; from += rowNames)
    await sql`
      insert into sync_name (task_id, listing, first_position, names)
      values (${listing.taskId}, ${listing.listing}, ${page.firstPosition + from},
        ${page.names.slice(from, from + rowNames)}::text[])
      on conflict (task_id, listing, first_position) do update set names = excluded.names`.execute(
      kysely(em),
    );
}

export interface Listed {
  /** Distinct names. */
  readonly tags: number;
  /** Greater than the distinct names if the upstream lists one twice. */
  readonly positions: number;
}

/**
 * Selects this listing, drops earlier ones and counts it. A later attempt may still be writing its pages.
 * @param state What the upstream announced with the list, if it is another Tidemark.
 * @throws TidemarkError `LISTING_REPLACED` if a later listing is selected already.
 */
export async function finishListing(em: Em, { taskId, listing }: Listing, state?: string): Promise<Listed> {
  const taken = await sql<Listed>`
    with counted as (
      select (select count(distinct name) from sync_name, unnest(names) as name
          where task_id = ${taskId} and listing = ${listing}) as tags,
        (select coalesce(max(first_position + cardinality(names)), 0) from sync_name
          where task_id = ${taskId} and listing = ${listing}) as positions
    ),
    taken as (
      update task set listing = ${listing}, tags_total = counted.tags, upstream_state = ${state ?? null}, listed_at = now(),
        difference_of = null from counted
      where id = ${taskId} and coalesce(listing, 0) <= ${listing}
      returning counted.tags, counted.positions
    ),
    dropped as (
      delete from sync_name where task_id = ${taskId} and listing < ${listing} and exists (select from taken)
    )
    select tags, positions from taken`.execute(kysely(em));
  const listed = taken.rows[0];
  if (listed !== undefined) return listed;
  throw new TidemarkError(
    'LISTING_REPLACED',
    `A later attempt has listed the tags for task ${taskId}. The list of this one is not used.`,
    { origin: 'server' },
  );
}

/** Names from `from` (inclusive) to `to` (exclusive). Only the rows that contain them are unpacked. */
export async function readNames(em: Em, taskId: number, from: number, to: number): Promise<string[]> {
  const result = await sql<{ name: string }>`
    select n.name from sync_name join task on task.id = task_id,
      unnest(names) with ordinality as n(name, place)
    where task_id = ${taskId} and sync_name.listing = task.listing
      and first_position < ${to} and first_position >= coalesce((
        select max(p.first_position) from sync_name p
        where p.task_id = task.id and p.listing = task.listing and p.first_position <= ${from}), 0)
      and first_position + n.place - 1 >= ${from} and first_position + n.place - 1 < ${to}
    order by first_position + n.place`.execute(kysely(em));
  return result.rows.map((row) => row.name);
}
