import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * Throttled hosts (429). All syncs and workers share the row of a host. Times are the database's; tests move its clock
 * by `aheadMs`.
 */

/** Back-off for hosts that announce no wait; the last step is repeated. */
const stepsMs = [5_000, 15_000, 45_000, 60_000] as const;
/** The longest accepted wait; registries have no longer windows. A longer one means that the clock was set back. */
export const longestThrottleMs = 12 * 60 * 60 * 1000;
/** The back-off starts anew after this time without a throttle. */
const forgottenAfterMs = 2 * 60 * 1000;

/** Milliseconds until the host may be requested; 0: now. */
export async function readThrottle(em: Em, host: string, aheadMs: number): Promise<number> {
  const found = await sql<{ leftMs: number }>`
    select ${leftMs(aheadMs)} as "leftMs" from host_throttle where host = ${host}`.execute(kysely(em));
  return usable(found.rows[0]?.leftMs ?? 0);
}

export interface Throttle {
  readonly waitMs: number;
  /** False if the host was throttled already: another request has reported it. */
  readonly isNew: boolean;
}

/**
 * Throttles a host after a 429.
 * @param announcedMs The wait that the host announced, if it did.
 * @param windowMs The window in which the host counts requests, if known. At most 60 requests are made in one.
 */
export async function noteThrottle(
  em: Em,
  host: string,
  told: {
    readonly announcedMs?: number | undefined;
    readonly windowMs?: number | undefined;
    readonly aheadMs: number;
  },
): Promise<Throttle> {
  const { announcedMs, windowMs = 0, aheadMs } = told;
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`
      insert into host_throttle (host, until, step) values (${host}, '-infinity', 0) on conflict do nothing`.execute(
      db,
    );
    const found = await sql<{ leftMs: number | null; step: number }>`
      select case when isfinite(until) then ${leftMs(aheadMs)} end as "leftMs", step
      from host_throttle where host = ${host} for update`.execute(db);
    const { leftMs: left, step } = found.rows[0] ?? { leftMs: null, step: 0 };
    const before = usable(left ?? 0);
    if (before > 0 && announcedMs === undefined) return { waitMs: before, isNew: false };
    const isForgotten = left === null || -left > forgottenAfterMs || left > longestThrottleMs;
    const next = before > 0 ? step : isForgotten ? 1 : step + 1;
    const guessMs = Math.max(
      stepsMs[Math.min(next, stepsMs.length) - 1] ?? 0,
      next > stepsMs.length ? windowMs / 60 : 0,
    );
    const waitMs = Math.ceil(Math.max(before, Math.min(announcedMs ?? guessMs, longestThrottleMs)));
    await sql`
      update host_throttle set step = ${next},
        until = clock_timestamp() + make_interval(secs => ${(aheadMs + waitMs) / 1000}::float8)
      where host = ${host}`.execute(db);
    return { waitMs, isNew: before === 0 };
  });
}

function leftMs(aheadMs: number) {
  return sql`(extract(epoch from until - clock_timestamp())::float8 * 1000 - ${aheadMs}::float8)`;
}

function usable(left: number): number {
  return left > longestThrottleMs ? 0 : Math.max(0, left);
}

export interface TaskThrottles {
  /** Since the last progress, without announced waits. */
  readonly waitedMs: number;
  readonly waits: number;
}

/** Adds a wait to the task. Progress resets the sum. */
export async function addThrottle(em: Em, taskId: number, waitMs: number): Promise<TaskThrottles> {
  const added = await sql<TaskThrottles>`
    insert into task_throttle as t (task_id, mark, waited_ms, waits)
    select ${taskId}, coalesce(sum(tags_done + manifests_done + blobs_done + bytes_done + signatures_done), 0), ${waitMs}, 1
    from task_progress where task_id = ${taskId}
    on conflict (task_id) do update set mark = greatest(t.mark, excluded.mark), waits = t.waits + 1,
      waited_ms = excluded.waited_ms + case when excluded.mark > t.mark then 0 else t.waited_ms end
    returning waited_ms as "waitedMs", waits`.execute(kysely(em));
  return added.rows[0] ?? { waitedMs: waitMs, waits: 1 };
}

export async function countThrottles(em: Em, taskId: number): Promise<number> {
  const found = await kysely(em)
    .selectFrom('task_throttle')
    .select('waits')
    .where('task_id', '=', taskId)
    .execute();
  return found[0]?.waits ?? 0;
}
