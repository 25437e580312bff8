import { sql } from 'kysely';
import { ownInstallation } from './installation.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { upstreamHost } from './sync-turns.ts';

/** Temporal's id of a schedule, in SQL; never used again, since no row's id is. */
const temporalScheduleId = sql<string>`'schedule/' || ${ownInstallation} || '/' || repository_id || '/' || id`;

/** Temporal's ids of schedules that are there. */
export async function readTemporalScheduleIds(em: Em, ids: readonly number[]): Promise<string[]> {
  const found = await sql<{ id: number; temporalId: string }>`
    select id, ${temporalScheduleId} as "temporalId" from schedule where id = any(${[...ids]}::bigint[])`.execute(
    kysely(em),
  );
  const byId = new Map(found.rows.map((row) => [row.id, row.temporalId]));
  return ids.map((id) => byId.get(id) ?? '');
}

/** What people know a schedule by, of a row of `schedule`. */
const namedAfter = sql`(select name from repository where id = repository_id) as "repositoryName",
  (select ${upstreamHost} from remote
    where id = coalesce(schedule.remote_id, (select r.remote_id from repository r where r.id = repository_id))) as "remoteHost"`;

/** What Temporal is to have of a schedule, and what it was last seen to have. */
export interface KeptSchedule {
  readonly id: number;
  readonly temporalId: string;
  readonly repositoryName: string;
  /** Host and port of the upstream; null where there is no remote. */
  readonly remoteHost: string | null;
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly jitterSeconds: number;
  readonly catchupWindowSeconds: number;
  readonly paused: boolean;
  readonly note: string | null;
  /** Whether it was changed since Temporal was told. */
  readonly isPending: boolean;
  /** Of what Temporal had after it was told; undefined before. */
  readonly fingerprint: string | undefined;
}

export type SeenSchedule =
  /** What Temporal has now, and when it will run next. */
  | { readonly fingerprint: string; readonly nextRunAts: readonly Date[] }
  /** Why Temporal will not have it. */
  | { readonly problem: string };

/**
 * Holds a schedule's row while `keep` compares Temporal with it, and notes what was seen. A row that another process holds for the
 * same is left to it: whoever holds a row has read all that was committed before.
 */
export async function keepSchedule(
  em: Em,
  scheduleId: number,
  keep: (schedule: KeptSchedule) => Promise<SeenSchedule>,
): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql<Omit<KeptSchedule, 'fingerprint'> & { fingerprint: string | null }>`
      select id, ${temporalScheduleId} as "temporalId", ${namedAfter}, cron, interval_seconds as "intervalSeconds", time_zone as "timeZone",
        jitter_seconds as "jitterSeconds", catchup_window_seconds as "catchupWindowSeconds", paused, note,
        temporal_revision is distinct from revision as "isPending", temporal_fingerprint as fingerprint
      from schedule where id = ${scheduleId} for no key update skip locked`.execute(db);
    const row = found.rows[0];
    if (!row) return;
    const seen = await keep({ ...row, fingerprint: row.fingerprint ?? undefined });
    if ('problem' in seen)
      await sql`
        update schedule set temporal_problem = ${seen.problem}, temporal_seen_at = now(), next_run_ats = '{}'
        where id = ${scheduleId}`.execute(db);
    else
      await sql`
        update schedule set temporal_revision = revision, temporal_fingerprint = ${seen.fingerprint}, temporal_problem = null,
          temporal_seen_at = now(), next_run_ats = ${seen.nextRunAts.map((time) => time.toISOString())}::timestamptz[]
        where id = ${scheduleId}`.execute(db);
  });
}

/**
 * Schedules to compare with Temporal, those that waited longest first: what was changed, what was not seen for a minute, and what
 * has run so often since that the known times of its next runs come to an end.
 */
export async function readSchedulesToKeep(em: Em, limit: number): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select id from schedule
    where temporal_seen_at is null or temporal_seen_at < now() - interval '1 minute'
      or (temporal_seen_at < now() - interval '5 seconds'
        and (temporal_revision is distinct from revision or next_run_ats[4] < now()))
    order by temporal_seen_at nulls first, id limit ${limit}`.execute(kysely(em));
  return found.rows.map(({ id }) => id);
}

/** Deletes schedules, in the caller's transaction; Temporal is told by the periodic look at the latest. */
export async function deleteSchedules(
  em: Em,
  which: { readonly id: number } | { readonly repositoryId: number },
): Promise<void> {
  const matches = 'id' in which ? sql`id = ${which.id}` : sql`repository_id = ${which.repositoryId}`;
  await sql`
    with gone as (delete from schedule where ${matches} returning id, repository_id)
    insert into schedule_removal (temporal_id) select ${temporalScheduleId} from gone
    on conflict do nothing`.execute(kysely(em));
}

/** Lets the periodic look remove what Temporal has and no row stands for: the database is older than Temporal. */
export async function requestRemoval(em: Em, temporalId: string): Promise<void> {
  await sql`insert into schedule_removal (temporal_id) values (${temporalId}) on conflict do nothing`.execute(
    kysely(em),
  );
}

export async function readRemovals(em: Em, limit: number): Promise<string[]> {
  const found = await sql<{ temporalId: string }>`
    select temporal_id as "temporalId" from schedule_removal order by temporal_id limit ${limit}`.execute(
    kysely(em),
  );
  return found.rows.map(({ temporalId }) => temporalId);
}

export async function forgetRemoval(em: Em, temporalId: string): Promise<void> {
  await sql`delete from schedule_removal where temporal_id = ${temporalId}`.execute(kysely(em));
}
