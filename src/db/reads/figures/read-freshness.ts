import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { nameVisible } from '../../access/visibility.ts';
import type { Visibility } from '../../access/visibility.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';
import { hasOwnSelection } from '../../tasks/own-selection.ts';

export const freshnessStates = ['SYNCING', 'FAILING', 'LATE', 'FRESH', 'UNSCHEDULED'] as const;
export type FreshnessState = (typeof freshnessStates)[number];

/** Without dry runs. */
export interface Freshness {
  /** End of the last completed sync, or of a later look that found nothing changed; null before the first. */
  readonly syncedAt: Date | null;
  /** Of the last sync, if it failed. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly state: FreshnessState;
  /** When the next sync should have ended; null without a schedule whose interval is known. */
  readonly expectedAt: Date | null;
}

/**
 * The last sync of the repository with this result, without dry runs and without syncs whose own filters selected no tag.
 * The condition includes that of the index task_last_sync.
 */
function lastSync(repositoryId: RawBuilder<unknown>, state: 'COMPLETED' | 'FAILED'): RawBuilder<unknown> {
  return sql`
    select id, finished_at, error_code, error_message from task t
    where t.repository_id = ${repositoryId} and t.state = ${sql.lit(state)}
      and t.name = 'repository.sync' and t.state in ('COMPLETED', 'FAILED') and not (t.arguments @> '{"dryRun": true}')
      and not (t.manifests_total = 0 and ${hasOwnSelection('t')})
    order by t.id desc limit 1`;
}

/**
 * The longest pause between two runs of a schedule `s`. That of a cron is known from the runs that Temporal announces, or else from the last
 * two that were due.
 */
const pauseOf = sql`coalesce(
  make_interval(secs => s.interval_seconds),
  (select max(run.at - run.before) from (
    select at, lag(at) over (order by at) as before from schedule_group g, unnest(g.next_run_ats) as next(at)
    where g.specification = s.specification and not s.paused) as run),
  (select max(run.due_at) - min(run.due_at) from (
    select due_at from schedule_run where schedule_id = s.id and workflow_run_id is not null order by id desc limit 2) as run
    having count(*) = 2))`;

/**
 * When the next sync should have ended: after the last one, or after the schedule was created, by the most frequent schedule. Syncs take
 * a different time each, so a tenth of the pause is allowed, and at least five minutes.
 */
function expectedAt(repositoryId: RawBuilder<unknown>, syncedAt: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select min(coalesce(${syncedAt}, s.created_at) + due.pause + greatest(due.pause / 10, interval '5 minutes')
      + make_interval(secs => s.jitter_seconds)) as at, count(*) as schedules
    from schedule s cross join lateral (select ${pauseOf} as pause) as due
    where s.repository_id = ${repositoryId}`;
}

/** Rows `f` of a repository, to be joined laterally. */
function freshnessOf(repositoryId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select last.synced_at, failed.error_code, failed.error_message, due.at as expected_at,
      case
        when exists (select from task t where t.repository_id = ${repositoryId} and t.state in ('WAITING', 'RUNNING')
          and t.name = 'repository.sync' and not (t.arguments @> '{"dryRun": true}')) then 'SYNCING'
        when failed.id is not null then 'FAILING'
        when due.schedules = 0 then 'UNSCHEDULED'
        when due.at < now() then 'LATE'
        else 'FRESH'
      end as state
    from (select (select l.looked_at from repository l where l.id = ${repositoryId}) as at) as looked
      left join lateral (${lastSync(repositoryId, 'COMPLETED')}) as done on true
      left join lateral (${lastSync(repositoryId, 'FAILED')}) as failed on failed.id > coalesce(done.id, 0)
      cross join lateral (
        select case when done.finished_at is not null then greatest(done.finished_at, looked.at) end as synced_at) as last
      cross join lateral (${expectedAt(repositoryId, sql`last.synced_at`)}) as due`;
}

export async function readFreshness(em: Em, repositoryIds: readonly number[]): Promise<Freshness[]> {
  const found = await sql<Freshness>`
    select f.synced_at as "syncedAt", f.error_code as "errorCode", f.error_message as "errorMessage", f.state,
      f.expected_at as "expectedAt"
    from unnest(${repositoryIds}::bigint[]) with ordinality as p(repository_id, n)
      cross join lateral (${freshnessOf(sql`p.repository_id`)}) as f
    order by p.n`.execute(kysely(em));
  return found.rows.map((row) => ({
    ...row,
    syncedAt: toDate(row.syncedAt),
    expectedAt: toDate(row.expectedAt),
  }));
}

/** As a condition on the repository of this id. */
export function isInState(repositoryId: RawBuilder<unknown>, state: FreshnessState): RawBuilder<unknown> {
  return sql`(select f.state from (${freshnessOf(repositoryId)}) as f) = ${state}`;
}

/** How many visible repositories are in each state, in one statement. */
export async function countFreshness(
  em: Em,
  visibility: Visibility,
): Promise<ReadonlyMap<FreshnessState, number>> {
  const found = await sql<{ state: FreshnessState; count: number }>`
    select f.state, count(*) as count from repository r cross join lateral (${freshnessOf(sql`r.id`)}) as f
    where ${nameVisible(sql`r.name`, visibility)} group by f.state`.execute(kysely(em));
  return new Map(found.rows.map(({ state, count }) => [state, count]));
}

function toDate(value: Date | null): Date | null {
  return value === null ? null : new Date(value);
}
