import { sql } from 'kysely';
import type { Identity } from '../schema/columns/identity.ts';
import type { ScheduleRunOutcome } from '../schema/schedules.ts';
import type { Em } from '../open-database.ts';
import { isPushed } from '../reads/read-repositories.ts';
import { currentTrace } from '../../telemetry/trace-context.ts';
import { kysely } from '../sql.ts';
import { syncTaskName, syncWorkflowId } from '../tasks/tasks.ts';
import { upstreamHost } from '../tasks/sync-turns.ts';
import type { DueMoment } from './due-schedules.ts';
import { trimScheduleRuns } from './schedule-runs.ts';

interface DueSchedule {
  readonly id: number;
  readonly repositoryId: number;
  readonly remoteId: number | null;
  readonly mirror: boolean;
  readonly allowPrivate: boolean;
  readonly madeBy: Identity | null;
  readonly isPushedTo: boolean;
}

interface Begun {
  readonly scheduleId: number;
  readonly outcome: ScheduleRunOutcome;
  readonly message: string | null;
  /** The new task, or the task that the run was skipped for. */
  readonly taskId: number | null;
}

const reasons = {
  noRemote: 'Neither the schedule nor its repository has a remote; give one of them a remote.',
  pushed:
    'Somebody pushed to the repository, and a sync would turn it into a mirror, which refuses pushes. Allow it once with convertToMirror: true of repositorySync.',
  running: 'A sync of the repository was still waiting or running.',
};

/**
 * Creates the tasks of due schedules and records their runs, in one transaction. A run is skipped if a sync of the repository is open, the
 * repository has no remote, or somebody has pushed to it. Idempotent.
 */
export async function beginRuns(em: Em, moment: DueMoment, scheduleIds: readonly number[]): Promise<void> {
  if (scheduleIds.length === 0) return;
  await em.transactional(async (transaction) => {
    const schedules = await lockSchedules(transaction, moment, scheduleIds);
    const begun: Begun[] = [];
    const first = new Map<number, DueSchedule>();
    for (const schedule of schedules) {
      const message = reasonAgainst(schedule);
      if (message !== undefined)
        begun.push({ scheduleId: schedule.id, outcome: 'SKIPPED', message, taskId: null });
      else if (!first.has(schedule.repositoryId)) first.set(schedule.repositoryId, schedule);
    }
    const tasks = await createTasks(transaction, [...first.values()]);
    for (const schedule of schedules) {
      const task = tasks.get(schedule.repositoryId);
      if (task === undefined || reasonAgainst(schedule) !== undefined) continue;
      const isStarted = task.isNew && first.get(schedule.repositoryId) === schedule;
      begun.push({
        scheduleId: schedule.id,
        outcome: isStarted ? 'STARTED' : 'SKIPPED',
        message: isStarted ? null : reasons.running,
        taskId: task.taskId,
      });
    }
    await addRuns(transaction, moment, begun);
  });
}

/** Those that still take part and have no run. */
async function lockSchedules(
  em: Em,
  { workflowRunId }: DueMoment,
  ids: readonly number[],
): Promise<DueSchedule[]> {
  // Remotes are not locked: if one is deleted concurrently, the insert fails and the next attempt finds none.
  const found = await sql<DueSchedule>`
    select s.id, r.id as "repositoryId", coalesce(s.remote_id, r.remote_id) as "remoteId", s.mirror, s.allow_private as "allowPrivate",
      s.made_by as "madeBy", ${isPushed} as "isPushedTo"
    from schedule s join repository r on r.id = s.repository_id
    where s.id = any(${[...ids]}::bigint[]) and not s.paused
      and not exists (select from schedule_run run where run.schedule_id = s.id and run.workflow_run_id = ${workflowRunId})
    order by s.id for key share of s, r`.execute(kysely(em));
  return found.rows;
}

function reasonAgainst({ remoteId, isPushedTo }: DueSchedule): string | undefined {
  if (remoteId === null) return reasons.noRemote;
  return isPushedTo ? reasons.pushed : undefined;
}

interface TaskOfRepository {
  readonly repositoryId: number;
  readonly taskId: number;
  readonly isNew: boolean;
}

/** A WAITING task for each repository, or the one that is open. At most one schedule of a repository. */
async function createTasks(
  em: Em,
  schedules: readonly DueSchedule[],
): Promise<Map<number, TaskOfRepository>> {
  const tasks = new Map<number, TaskOfRepository>();
  // an open task that was in the way may end before it is read
  for (let left = [...schedules]; left.length > 0;) {
    for (const task of await insertTasks(em, left)) tasks.set(task.repositoryId, task);
    left = left.filter(({ repositoryId }) => !tasks.has(repositoryId));
    if (left.length === 0) break;
    const open = await sql<TaskOfRepository>`
      select repository_id as "repositoryId", id as "taskId", false as "isNew" from task
      where repository_id = any(${left.map(({ repositoryId }) => repositoryId)}::bigint[]) and name = ${syncTaskName}
        and state in ('WAITING', 'RUNNING')`.execute(kysely(em));
    for (const task of open.rows) tasks.set(task.repositoryId, task);
    left = left.filter(({ repositoryId }) => !tasks.has(repositoryId));
  }
  return tasks;
}

async function insertTasks(em: Em, schedules: readonly DueSchedule[]): Promise<TaskOfRepository[]> {
  const wishes = schedules.map(({ mirror, allowPrivate, ...schedule }) => ({
    ...schedule,
    arguments: { mirror, confirmRemoval: false, dryRun: false, allowPrivate, trigger: 'SCHEDULE' },
  }));
  const inserted = await sql<TaskOfRepository>`
    insert into task (name, repository_id, remote_id, arguments, workflow_id, started_by, upstream_host, trace_id)
    select ${syncTaskName}, wish."repositoryId", wish."remoteId", wish.arguments, ${syncWorkflowId(sql`wish."repositoryId"`)},
      wish."madeBy", (select ${upstreamHost} from remote where id = wish."remoteId"), ${currentTrace()?.traceId ?? null}
    from jsonb_to_recordset(${JSON.stringify(wishes)}::jsonb)
      as wish("repositoryId" bigint, "remoteId" bigint, arguments jsonb, "madeBy" jsonb)
    order by wish."repositoryId"
    on conflict (repository_id) where name = 'repository.sync' and state in ('WAITING', 'RUNNING') do nothing
    returning repository_id as "repositoryId", id as "taskId", true as "isNew"`.execute(kysely(em));
  return inserted.rows;
}

async function addRuns(em: Em, { dueAt, workflowRunId }: DueMoment, begun: readonly Begun[]): Promise<void> {
  if (begun.length === 0) return;
  await sql`
    insert into schedule_run (schedule_id, due_at, outcome, message, task_id, workflow_run_id)
    select run."scheduleId", ${dueAt}::timestamptz, run.outcome, run.message, run."taskId", ${workflowRunId}
    from jsonb_to_recordset(${JSON.stringify(begun)}::jsonb)
      as run("scheduleId" bigint, outcome text, message text, "taskId" bigint)
    order by run."scheduleId"`.execute(kysely(em));
  await trimScheduleRuns(
    em,
    begun.map(({ scheduleId }) => scheduleId),
  );
}
