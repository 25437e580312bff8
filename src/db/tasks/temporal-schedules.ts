import { sql } from 'kysely';
import { ownInstallation } from './installation.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { upstreamHost } from './sync-turns.ts';

/** The schedule id at Temporal, as an SQL expression. It is never reused, since row ids are not. */
const temporalScheduleId = sql<string>`'schedule/' || ${ownInstallation} || '/' || repository_id || '/' || id`;

export async function readTemporalScheduleIds(em: Em, ids: readonly number[]): Promise<string[]> {
  const found = await sql<{ id: number; temporalId: string }>`
    select id, ${temporalScheduleId} as "temporalId" from schedule where id = any(${[...ids]}::bigint[])`.execute(
    kysely(em),
  );
  const byId = new Map(found.rows.map((row) => [row.id, row.temporalId]));
  return ids.map((id) => byId.get(id) ?? '');
}

/** The display name of a row of `schedule`. */
const namedAfter = sql`(select name from repository where id = repository_id) as "repositoryName",
  (select ${upstreamHost} from remote
    where id = coalesce(schedule.remote_id, (select r.remote_id from repository r where r.id = repository_id))) as "remoteHost"`;

/** The wanted and the last seen state of a schedule at Temporal. */
export interface KeptSchedule {
  readonly id: number;
  readonly temporalId: string;
  readonly repositoryName: string;
  /** Host and port of the upstream; null without a remote. */
  readonly remoteHost: string | null;
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly jitterSeconds: number;
  readonly catchupWindowSeconds: number;
  readonly paused: boolean;
  readonly note: string | null;
  /** Whether Temporal lacks a change. */
  readonly isPending: boolean;
  /** Of the last seen state at Temporal; undefined before the first. */
  readonly fingerprint: string | undefined;
}

export type SeenSchedule =
  | { readonly fingerprint: string; readonly nextRunAts: readonly Date[] }
  /** Why Temporal refused it. */
  | { readonly problem: string };

/**
 * Locks a schedule's row while `keep` compares it with Temporal, and stores the result. Rows locked by another process
 * are skipped: that process has read all committed changes.
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
 * Schedules to compare with Temporal, longest waiting first: changed ones, those not compared for a minute, and those
 * whose known next runs are over.
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

/** Deletes schedules in the caller's transaction. Reconciliation deletes them at Temporal. */
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

/** Lets reconciliation delete a schedule at Temporal that has no row: the database is older than Temporal. */
export async function requestRemoval(em: Em, temporalId: string): Promise<void> {
  await sql`insert into schedule_removal (temporal_id) values (${temporalId}) on conflict do nothing`.execute(
    kysely(em),
  );
}

export async function readRemovals(em: Em, limit: number): Promise<string[]> {
  const found = await kysely(em)
    .selectFrom('schedule_removal')
    .select('temporal_id as temporalId')
    .orderBy('temporal_id')
    .limit(limit)
    .execute();
  return found.map(({ temporalId }) => temporalId);
}

export async function forgetRemoval(em: Em, temporalId: string): Promise<void> {
  await kysely(em).deleteFrom('schedule_removal').where('temporal_id', '=', temporalId).execute();
}
