import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * Until when an upstream's host is not asked, because it has answered 429: one row a host, so that all syncs and workers wait for the same
 * time. Times are the database's; `aheadMs` is added to its clock (tests).
 */

/** Waits where the host does not say for how long; the last is repeated. */
const stepsMs = [5_000, 15_000, 45_000, 60_000] as const;
/** The longest wait that is accepted: no window that registries have is longer. One that is further away is of a clock that was set back. */
export const longestThrottleMs = 12 * 60 * 60 * 1000;
/** A host that has answered for so long since is throttled for the first time again. */
const forgottenAfterMs = 2 * 60 * 1000;

/** How many milliseconds the host is not to be asked; 0 where it may be. */
export async function readThrottle(em: Em, host: string, aheadMs: number): Promise<number> {
  const found = await sql<{ leftMs: number }>`
    select ${leftMs(aheadMs)} as "leftMs" from host_throttle where host = ${host}`.execute(kysely(em));
  return usable(found.rows[0]?.leftMs ?? 0);
}

export interface Throttle {
  readonly waitMs: number;
  /** False where the host was throttled already: another request has told of it. */
  readonly isNew: boolean;
}

/**
 * Notes that the host has asked to slow down.
 * @param announcedMs For how long, where it says so.
 * @param windowMs The window that the host counts requests in, where it says so: it is not asked more than 60 times in one.
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

/** How long a task has waited for its upstream. */
export interface TaskThrottles {
  /** Since the task last made progress, waits that were announced not included. */
  readonly waitedMs: number;
  /** In all. */
  readonly waits: number;
}

/** Adds a wait to a task's; progress made since the last one takes those before off. */
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
  const found = await sql<{ waits: number }>`
    select waits from task_throttle where task_id = ${taskId}`.execute(kysely(em));
  return found.rows[0]?.waits ?? 0;
}
