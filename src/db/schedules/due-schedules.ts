import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { addGroup } from './schedule-groups.ts';

/** One moment at which the schedules of a specification are due. */
export interface DueMoment {
  readonly specification: string;
  /** RFC 3339. */
  readonly dueAt: string;
  /** The first run of the workflow. With it, each schedule has one run, however often the steps are repeated. */
  readonly workflowRunId: string;
}

/** Schedules of a moment, by their ids. */
export interface DuePage extends DueMoment {
  readonly afterId: number;
  readonly toId: number;
}

/** Temporal cuts the time at which somebody lets a schedule act to whole seconds. */
const cutMs = 1_000;

/** Schedules `s` that take part in a moment. */
function isDueAt({ specification, dueAt }: DueMoment): RawBuilder<boolean> {
  const before = new Date(Date.parse(dueAt) + cutMs).toISOString();
  return sql<boolean>`(s.specification = ${specification} and not s.paused and s.due_from < ${before}::timestamptz)`;
}

/**
 * The last id of each page of `pageSize` schedules. Without any schedule of this specification, the group is left to reconciliation, which
 * removes it at Temporal.
 */
export async function cutDueSchedules(em: Em, moment: DueMoment, pageSize: number): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select max(id) as id from (
      select s.id, (row_number() over (order by s.id) - 1) / ${pageSize}::int as page from schedule s where ${isDueAt(moment)}) as due
    group by page order by page`.execute(kysely(em));
  if (found.rows.length === 0) await addGroup(em, moment.specification);
  return found.rows.map(({ id }) => id);
}

/** The due schedules of a page that have no run yet. */
export async function readDueSchedules(em: Em, page: DuePage): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select s.id from schedule s
    where ${isDueAt(page)} and s.id > ${page.afterId} and s.id <= ${page.toId}
      and not exists (select from schedule_run run where run.schedule_id = s.id and run.workflow_run_id = ${page.workflowRunId})
    order by s.id`.execute(kysely(em));
  return found.rows.map(({ id }) => id);
}

/** A sync that a run has created a task for. */
export interface ScheduledSync {
  readonly taskId: number;
  readonly workflowId: string;
  readonly repositoryName: string;
  /** Host and port of the upstream; null: unknown. */
  readonly remoteHost: string | null;
}

/** Syncs of a page that wait and were never started. */
export async function readSyncsToStart(em: Em, page: DuePage): Promise<ScheduledSync[]> {
  const found = await sql<ScheduledSync>`
    select t.id as "taskId", t.workflow_id as "workflowId", r.name as "repositoryName", t.upstream_host as "remoteHost"
    from schedule_run run join schedule s on s.id = run.schedule_id join task t on t.id = run.task_id join repository r on r.id = t.repository_id
    where s.id > ${page.afterId} and s.id <= ${page.toId} and s.specification = ${page.specification}
      and run.workflow_run_id = ${page.workflowRunId} and run.outcome = 'STARTED' and t.state = 'WAITING' and t.run_id is null
    order by t.id`.execute(kysely(em));
  return found.rows;
}

/** How many schedules of a page have which outcome. */
export interface PageCounts {
  readonly unchanged: number;
  readonly started: number;
  readonly skipped: number;
}

export async function countRuns(em: Em, page: DuePage): Promise<PageCounts> {
  const found = await sql<PageCounts>`
    select count(*) filter (where outcome = 'UNCHANGED') as unchanged, count(*) filter (where outcome = 'STARTED') as started,
      count(*) filter (where outcome = 'SKIPPED') as skipped
    from schedule s join schedule_run run on run.schedule_id = s.id and run.workflow_run_id = ${page.workflowRunId}
    where s.specification = ${page.specification} and s.id > ${page.afterId} and s.id <= ${page.toId}`.execute(
    kysely(em),
  );
  return found.rows[0] ?? { unchanged: 0, started: 0, skipped: 0 };
}
