import { sql } from 'kysely';
import { Schedule } from '../schema/schedules.ts';
import type { ScheduleRunOutcome } from '../schema/schedules.ts';
import type { Em } from '../open-database.ts';
import { toPage, toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { countByParent, countRows } from './counts.ts';
import { kysely } from '../sql.ts';
import { temporalScheduleId } from '../schedules/schedule-groups.ts';
import { repositoryVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** In the order of the ids; undefined if absent or in an invisible repository. */
export async function readSchedules(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(Schedule | undefined)[]> {
  const found = await sql<{ id: number }>`
    select id from schedule where id = any(${ids}::bigint[]) and ${repositoryVisible(sql`schedule.repository_id`, visibility)}`.execute(
    kysely(em),
  );
  const rows = await em.find(Schedule, { id: { $in: found.rows.map((row) => row.id) } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** What Temporal has of a schedule. */
export interface ScheduleState {
  readonly temporalId: string;
  /** Next runs as Temporal last listed them, those that have passed aside; none while it is paused. */
  readonly nextRunAts: readonly Date[];
  /** Why Temporal refused it. */
  readonly problem: string | null;
  /** Temporal does not run it yet. */
  readonly isPending: boolean;
}

/** In the order of the ids. */
export async function readScheduleStates(em: Em, ids: readonly number[]): Promise<ScheduleState[]> {
  const found = await sql<ScheduleState>`
    select ${temporalScheduleId(sql`s.specification`)} as "temporalId", g.temporal_problem as problem,
      not s.paused and g.temporal_paused is distinct from false as "isPending",
      case when s.paused then '{}' else array(select at from unnest(g.next_run_ats) as next(at) where at > now() order by at) end as "nextRunAts"
    from unnest(${ids}::bigint[]) with ordinality as p(id, n)
      left join schedule s on s.id = p.id left join schedule_group g on g.specification = s.specification order by p.n`.execute(
    kysely(em),
  );
  return found.rows.map((row) => ({ ...row, nextRunAts: row.nextRunAts.map((at) => new Date(at)) }));
}

export interface SchedulePageArguments {
  readonly first: number;
  /** Id of the last row of the previous page. */
  readonly after: number | undefined;
}

/** Oldest first. */
export async function readSchedulePage(
  em: Em,
  visibility: Visibility,
  page: SchedulePageArguments,
): Promise<Page<{ id: number }>> {
  const found = await sql<{ id: number }>`
    select id from schedule where id > ${page.after ?? 0} and ${repositoryVisible(sql`schedule.repository_id`, visibility)}
    order by id limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export function countSchedules(em: Em, visibility: Visibility): Promise<number> {
  return countRows(em, 'schedule', repositoryVisible(sql`schedule.repository_id`, visibility));
}

/** Oldest first, in one statement. */
export async function readRepositorySchedulePages(
  em: Em,
  repositoryIds: readonly number[],
  page: SchedulePageArguments,
): Promise<Page<{ id: number }>[]> {
  const found = await sql<{ n: number; id: number }>`
    select p.n, s.id from unnest(${repositoryIds}::bigint[]) with ordinality as p(repository_id, n)
    cross join lateral (
      select id from schedule s where s.repository_id = p.repository_id and s.id > ${page.after ?? 0}
      order by s.id limit ${page.first + 1}
    ) as s order by p.n, s.id`.execute(kysely(em));
  return toPages(found.rows, repositoryIds.length, page.first);
}

export function countRepositorySchedules(em: Em, repositoryIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'schedule', 'repository_id', repositoryIds);
}

export interface ScheduleRunRow {
  readonly id: number;
  readonly dueAt: Date;
  readonly at: Date;
  readonly outcome: ScheduleRunOutcome;
  readonly message: string | null;
  readonly taskId: number | null;
  readonly isTriggered: boolean;
}

/** Newest first, in one statement. */
export async function readScheduleRunPages(
  em: Em,
  scheduleIds: readonly number[],
  page: SchedulePageArguments,
): Promise<Page<ScheduleRunRow>[]> {
  const found = await sql<ScheduleRunRow & { n: number }>`
    select p.n, run.* from unnest(${scheduleIds}::bigint[]) with ordinality as p(schedule_id, n)
    cross join lateral (
      select id, due_at as "dueAt", at, outcome, message, task_id as "taskId", workflow_run_id is null as "isTriggered"
      from schedule_run r
      where r.schedule_id = p.schedule_id and r.id < ${page.after ?? Number.MAX_SAFE_INTEGER}
      order by r.id desc limit ${page.first + 1}
    ) as run order by p.n, run.id desc`.execute(kysely(em));
  const rows = found.rows.map((row) => ({ ...row, dueAt: new Date(row.dueAt), at: new Date(row.at) }));
  return toPages(rows, scheduleIds.length, page.first);
}

export function countScheduleRuns(em: Em, scheduleIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'schedule_run', 'schedule_id', scheduleIds);
}
