import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Who shares a limit of bandwidth. */
export type ByteScope = { readonly remoteId: number } | { readonly host: string };

/**
 * Takes a lease of bytes from the account of a scope, across all processes. The lease has a time slot, as long as its bytes take at `rate`
 * (bytes a second), behind the slots of all leases before it. The bytes may be read from the slot's begin on.
 * If the database's clock was set back (fault 118), the account begins anew.
 * @returns milliseconds to the begin of the slot.
 */
export async function leaseBytes(
  em: Em,
  scope: ByteScope,
  { bytes, rate }: { readonly bytes: number; readonly rate: number },
): Promise<number> {
  const remoteId = 'remoteId' in scope ? scope.remoteId : null;
  const name = 'remoteId' in scope ? `remote ${scope.remoteId}` : `host ${scope.host}`;
  const seconds = bytes / rate;
  const result = await sql<{ waitMs: number }>`
    insert into byte_account as account (scope, remote_id, free_at, leased_at)
    values (${name}, ${remoteId}, clock_timestamp() + make_interval(secs => ${seconds}::float8), clock_timestamp())
    on conflict (scope) do update set leased_at = clock_timestamp(), free_at = make_interval(secs => ${seconds}::float8) +
      case when clock_timestamp() > account.leased_at - interval '1 second'
        then greatest(account.free_at, clock_timestamp()) else clock_timestamp() end
    returning extract(epoch from free_at - clock_timestamp())::float8 * 1000 - ${seconds * 1000}::float8 as "waitMs"`.execute(
    kysely(em),
  );
  return Math.max(0, result.rows[0]?.waitMs ?? 0);
}
