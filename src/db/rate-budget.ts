import { sql } from 'kysely';
import type { Em } from './open-database.ts';
import { kysely } from './sql.ts';

/**
 * Takes the next free slot of a remote's `rateLimit` (requests a second, over all workers): slots are 1/rateLimit s apart.
 * @returns how many milliseconds to wait before the request may go out.
 */
export async function takeRequestSlot(em: Em, remoteId: number, rateLimit: number): Promise<number> {
  const result = await sql<{ waitMs: number }>`
    insert into remote_budget as budget (remote_id, next_request_at)
    values (${remoteId}, clock_timestamp() + make_interval(secs => 1 / ${rateLimit}::float8))
    on conflict (remote_id) do update set
      next_request_at = greatest(budget.next_request_at, clock_timestamp()) + make_interval(secs => 1 / ${rateLimit}::float8)
    returning extract(epoch from next_request_at - clock_timestamp())::float8 * 1000 - 1000 / ${rateLimit}::float8 as "waitMs"`.execute(
    kysely(em),
  );
  return Math.max(0, result.rows[0]?.waitMs ?? 0);
}
