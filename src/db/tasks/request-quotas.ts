import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * Quotas that are used up to somebody's reserve, by the scope of a host (upstream/clients/host-scope.ts). All syncs and workers share the row.
 * Times are the database's; tests move its clock by `aheadMs`.
 */

/** How long others wait for the answer to a probe. Then the next request is one. */
const probeSeconds = 60;

export interface KnownQuota {
  readonly remaining: number;
  /** Milliseconds until a request may look whether more is left; 0 or below: now. */
  readonly leftMs: number;
}

export async function readQuota(em: Em, scope: string, aheadMs: number): Promise<KnownQuota | undefined> {
  const found = await sql<KnownQuota>`
    select remaining, extract(epoch from probe_at - clock_timestamp())::float8 * 1000 - ${aheadMs}::float8 as "leftMs"
    from request_quota where scope = ${scope}`.execute(kysely(em));
  return found.rows[0];
}

export async function noteQuota(
  em: Em,
  scope: string,
  told: {
    readonly host: string;
    readonly remaining: number;
    readonly probeMs: number;
    readonly aheadMs: number;
  },
): Promise<void> {
  const seconds = (told.aheadMs + told.probeMs) / 1000;
  await sql`
    insert into request_quota (scope, host, remaining, read_at, probe_at)
    values (${scope}, ${told.host}, ${told.remaining}, clock_timestamp(), clock_timestamp() + make_interval(secs => ${seconds}::float8))
    on conflict (scope) do update set remaining = excluded.remaining, read_at = excluded.read_at, probe_at = excluded.probe_at`.execute(
    kysely(em),
  );
}

/** Takes the one probe of a quota whose time has come. @returns whether this call got it. */
export async function takeProbe(em: Em, scope: string, aheadMs: number): Promise<boolean> {
  const taken = await sql`
    update request_quota
    set probe_at = clock_timestamp() + make_interval(secs => ${aheadMs / 1000 + probeSeconds}::float8)
    where scope = ${scope} and probe_at <= clock_timestamp() + make_interval(secs => ${aheadMs / 1000}::float8)`.execute(
    kysely(em),
  );
  return taken.numAffectedRows === 1n;
}

export async function dropQuota(em: Em, scope: string): Promise<void> {
  await kysely(em).deleteFrom('request_quota').where('scope', '=', scope).execute();
}
