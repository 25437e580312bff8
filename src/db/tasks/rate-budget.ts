import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/**
 * Takes the next free request slot of a host, across all workers and all remotes with a `rateLimit` (requests a second).
 * The following slot is 1/rateLimit s later: no remote exceeds its own limit, and a host never gets more than the
 * highest one.
 * A slot that is more than two minutes ahead means that the clock was set back (fault 118); the count then starts anew.
 * @param host Host and port of the remote's URL.
 * @returns milliseconds to wait before the request.
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
