import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A process that has not been heard of for so long reserves nothing any more. */
const goneAfterSeconds = 60;

/**
 * Tells the other processes what this one has reserved.
 * @returns the bytes that all of them use: stored blobs, open uploads, and what the others have reserved.
 */
export async function shareStorageUse(
  em: Em,
  { processId, reservedBytes }: { readonly processId: string; readonly reservedBytes: number },
): Promise<number> {
  const found = await sql<{ bytes: number }>`
    with gone as (
      delete from storage_reservation
      where process_id = ${processId}::uuid and ${reservedBytes}::bigint = 0
        or seen_at < clock_timestamp() - make_interval(secs => ${goneAfterSeconds})
    ),
    own as (
      insert into storage_reservation (process_id, bytes, seen_at)
      select ${processId}::uuid, ${reservedBytes}::bigint, clock_timestamp() where ${reservedBytes}::bigint > 0
      on conflict (process_id) do update set bytes = excluded.bytes, seen_at = excluded.seen_at
    )
    select ((select coalesce(sum(size_bytes), 0) from blob where stored_at is not null)
      + (select coalesce(sum(offset_bytes), 0) from upload)
      + (select coalesce(sum(bytes), 0) from storage_reservation
        where process_id <> ${processId}::uuid and seen_at >= clock_timestamp() - make_interval(secs => ${goneAfterSeconds})))::bigint as bytes`.execute(
    kysely(em),
  );
  return found.rows[0]?.bytes ?? 0;
}
