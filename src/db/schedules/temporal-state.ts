import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/* What Temporal had last, in the columns `temporalState` of a table of schedules. */

export type SeenSchedule =
  | { readonly fingerprint: string; readonly nextRunAts: readonly Date[] }
  /** Why Temporal refused it. */
  | { readonly problem: string };

/** The assignments of an update with what was seen. `told` assigns the state that Temporal has then, where it did not refuse it. */
export function assignSeen(seen: SeenSchedule, told: RawBuilder<unknown>): RawBuilder<unknown> {
  if ('problem' in seen)
    return sql`temporal_problem = ${seen.problem}, temporal_seen_at = now(), next_run_ats = '{}'`;
  return sql`${told}, temporal_fingerprint = ${seen.fingerprint}, temporal_problem = null, temporal_seen_at = now(),
    next_run_ats = ${seen.nextRunAts.map((time) => time.toISOString())}::timestamptz[]`;
}

/** Whether a row is to be compared with Temporal: never compared, not for a minute, changed since, or its known next runs are over. */
export function isToCompare(isPending: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(temporal_seen_at is null or temporal_seen_at < now() - interval '1 minute'
    or (temporal_seen_at < now() - interval '5 seconds' and (${isPending} or next_run_ats[4] < now())))`;
}
