import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * The circuit breakers of hosts (docs/decisions/0013-fallbacks.md). All workers share the row of a scope: a host with the settings that decide
 * who answers. Times are the database's.
 */

/** Failures in a row that open a breaker. Each has exhausted the client's own retries. */
const failuresToOpen = 3;
/** How long a breaker stays open: first, and after each failed probe. The last step is repeated. */
const stepsMs = [15_000, 30_000, 60_000, 120_000, 300_000] as const;
const longestOpenMs = 300_000;
/** A failure is forgotten after this time without another. */
const forgottenAfterMs = 600_000;
/** A probe without a result after this time was lost, for example with its worker. */
const probeMs = 90_000;

/** `open`: the host is asked last. `half-open`: one request may probe it. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface KnownBreaker {
  readonly state: BreakerState;
  /** How long it is still open; 0 in the other states. */
  readonly leftMs: number;
}

/** Undefined: the host has not failed lately. A breaker that is open for longer than any step was opened before the clock was set back. */
export async function readBreaker(em: Em, scope: string): Promise<KnownBreaker | undefined> {
  const found = await sql<KnownBreaker>`
    select ${state} as state, greatest(0, case when ${state} = 'open' then ${leftMs(sql`open_until`)} else 0 end) as "leftMs"
    from host_breaker where scope = ${scope}`.execute(kysely(em));
  return found.rows[0];
}

/** Takes the single probe of a half-open breaker. @returns whether this caller may ask the host. */
export async function takeProbe(em: Em, scope: string): Promise<boolean> {
  const taken = await sql<{ scope: string }>`
    update host_breaker set probe_until = ${inMs(sql`${probeMs}::float8`)}
    where scope = ${scope} and ${state} = 'half-open'
    returning scope`.execute(kysely(em));
  return taken.rows.length > 0;
}

/** Counts a failure. The third in a row, and the failure of a probe, open the breaker. Failures while it is open prolong nothing. */
export async function noteFailure(
  em: Em,
  { scope, host, reason }: { readonly scope: string; readonly host: string; readonly reason: string },
): Promise<KnownBreaker> {
  const isForgotten = sql`b.open_until is null and b.failed_at < ${inMs(sql`${-forgottenAfterMs}::float8`)}`;
  const isOpen = sql`coalesce(b.open_until > clock_timestamp() and b.open_until <= ${inMs(sql`${longestOpenMs}::float8`)}, false)`;
  const failures = sql`case when ${isForgotten} then 1 else b.failures + 1 end`;
  const opens = sql`(not ${isOpen} and (b.open_until is not null or ${failures} >= ${failuresToOpen}))`;
  const openMs = sql`(${[...stepsMs]}::float8[])[least(b.step + 1, ${stepsMs.length})]`;
  const noted = await sql<KnownBreaker>`
    insert into host_breaker as b (scope, host, failures, reason, failed_at)
    values (${scope}, ${host}, 1, ${reason}, clock_timestamp())
    on conflict (scope) do update set
      failures = ${failures}, reason = excluded.reason, failed_at = excluded.failed_at,
      step = case when ${opens} then b.step + 1 else b.step end,
      open_until = case when ${opens} then ${inMs(openMs)} else b.open_until end,
      probe_until = case when ${isOpen} then b.probe_until end
    returning ${state} as state, greatest(0, coalesce(${leftMs(sql`open_until`)}, 0)) as "leftMs"`.execute(
    kysely(em),
  );
  return noted.rows[0] ?? { state: 'closed', leftMs: 0 };
}

/** Closes the breaker, and forgets the failures. */
export async function noteSuccess(em: Em, scope: string): Promise<void> {
  await sql`delete from host_breaker where scope = ${scope}`.execute(kysely(em));
}

/** A remote that has changed has another scope, so its rows are never read again. */
export async function removeOldBreakers(em: Em): Promise<void> {
  await sql`delete from host_breaker where failed_at < clock_timestamp() - interval '1 day'`.execute(
    kysely(em),
  );
}

/** Of a half-open breaker whose probe is on its way, callers see an open one. */
const state: RawBuilder<BreakerState> = sql`case
  when open_until is null or open_until > clock_timestamp() + interval '10 minutes' then 'closed'
  when open_until > clock_timestamp() then 'open'
  when probe_until > clock_timestamp() and probe_until < clock_timestamp() + interval '10 minutes' then 'open'
  else 'half-open' end`;

function leftMs(until: RawBuilder<unknown>): RawBuilder<number> {
  return sql`(extract(epoch from ${until} - clock_timestamp())::float8 * 1000)`;
}

function inMs(milliseconds: RawBuilder<unknown>): RawBuilder<Date> {
  return sql`clock_timestamp() + make_interval(secs => ${milliseconds} / 1000)`;
}
