import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/**
 * Takes the next free slot at an upstream's host, over all workers and all remotes that have a `rateLimit` (requests a second) there; the one
 * after it comes 1/rateLimit s later. So no remote asks more often than its own limit says, and all of a host together no more often than
 * the highest does.
 * No process holds more than a second of slots, so one that is further away than all of them could reach is of a clock that was set back since
 * (fault 118): the count begins anew.
 * @param host with its port, as in the remote's url.
 * @returns how many milliseconds to wait before the request may go out.
 */
export async function takeRequestSlot(em: Em, host: string, rateLimit: number): Promise<number> {
  const result = await sql<{ waitMs: number }>`
    insert into host_budget as budget (host, next_request_at)
    values (${host}, clock_timestamp() + make_interval(secs => 1 / ${rateLimit}::float8))
    on conflict (host) do update set
      next_request_at = case when budget.next_request_at < clock_timestamp() + interval '2 minutes'
        then greatest(budget.next_request_at, clock_timestamp()) else clock_timestamp() end + make_interval(secs => 1 / ${rateLimit}::float8)
    returning extract(epoch from next_request_at - clock_timestamp())::float8 * 1000 - 1000 / ${rateLimit}::float8 as "waitMs"`.execute(
    kysely(em),
  );
  return Math.max(0, result.rows[0]?.waitMs ?? 0);
}
