import { sql } from 'kysely';
import type { ScheduleRunOutcome } from '../schema/schedules.ts';
import type { Identity } from '../schema/identity.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { isPushedTo } from '../reads/read-repositories.ts';
import { upstreamHost } from './sync-turns.ts';
import { createSyncTask, syncWorkflowId } from './tasks.ts';
import { requestRemoval } from './temporal-schedules.ts';

export interface DueRun {
  readonly scheduleId: number;
  readonly temporalId: string;
  /** Of the workflow `scheduledSync`. It makes the call idempotent. */
  readonly workflowRunId: string;
  /** RFC 3339. */
  readonly dueAt: string;
}

export interface BegunRun {
  /** Null: no sync is started. `message` has the reason; without one, nothing has changed. */
  readonly taskId: number | null;
  readonly workflowId: string;
  /** Null if the schedule is deleted. */
  readonly repositoryName: string | null;
  /** Host and port of the upstream; null without a remote. */
  readonly remoteHost: string | null;
  readonly message: string | null;
}

interface ScheduleRow {
  readonly repositoryId: number;
  readonly repositoryName: string;
  readonly workflowId: string;
  readonly remoteId: number | null;
  readonly remoteHost: string | null;
  readonly mirror: boolean;
  readonly allowPrivate: boolean;
  readonly paused: boolean;
  readonly madeBy: Identity | null;
}

/**
 * Creates the task of a scheduled run and records the run, in one transaction. The run is skipped if a sync of the
 * repository is open or the repository has no remote.
 */
export async function beginScheduledRun(em: Em, due: DueRun): Promise<BegunRun> {
  return em.transactional(async (transaction) => {
    const schedule = await lockSchedule(transaction, due.scheduleId);
    if (schedule === undefined) {
      await requestRemoval(transaction, due.temporalId);
      return {
        taskId: null,
        workflowId: '',
        repositoryName: null,
        remoteHost: null,
        message: 'The schedule is deleted.',
      };
    }
    const { repositoryName, workflowId, remoteHost } = schedule;
    const answer = { workflowId, repositoryName, remoteHost };
    const before = await findRun(transaction, due.workflowRunId);
    if (before !== undefined) return { ...answer, ...before };
    const begun = await createTask(transaction, schedule);
    await addScheduleRun(transaction, { ...due, ...begun });
    return {
      ...answer,
      taskId: begun.outcome === 'STARTED' ? begun.taskId : null,
      message: begun.message,
    };
  });
}

async function lockSchedule(em: Em, scheduleId: number): Promise<ScheduleRow | undefined> {
  // The remote is not locked: if it is deleted concurrently, the insert fails and the next attempt finds none.
  const found = await sql<ScheduleRow>`
    select r.id as "repositoryId", r.name as "repositoryName", coalesce(s.remote_id, r.remote_id) as "remoteId",
      ${syncWorkflowId(sql`r.id`)} as "workflowId",
      (select ${upstreamHost} from remote where id = coalesce(s.remote_id, r.remote_id)) as "remoteHost",
      s.mirror, s.allow_private as "allowPrivate", s.paused, s.made_by as "madeBy"
    from schedule s join repository r on r.id = s.repository_id
    where s.id = ${scheduleId} for key share of s, r`.execute(kysely(em));
  return found.rows[0];
}

async function findRun(
  em: Em,
  workflowRunId: string,
): Promise<Pick<BegunRun, 'taskId' | 'message'> | undefined> {
  const found = await sql<Pick<BegunRun, 'taskId' | 'message'>>`
    select case when outcome = 'STARTED' then task_id end as "taskId", message
    from schedule_run where workflow_run_id = ${workflowRunId}`.execute(kysely(em));
  return found.rows[0];
}

type Begun = Pick<NewScheduleRun, 'outcome' | 'message' | 'taskId'>;

function skipped(message: string, taskId: number | null = null): Begun {
  return { outcome: 'SKIPPED', message, taskId };
}

async function createTask(em: Em, schedule: ScheduleRow): Promise<Begun> {
  const { repositoryId, remoteId, mirror, allowPrivate } = schedule;
  if (schedule.paused) return skipped('The schedule was paused.');
  if (remoteId === null)
    return skipped('Neither the schedule nor its repository has a remote; give one of them a remote.');
  if (await isPushedTo(em, repositoryId))
    return skipped(
      'Somebody pushed to the repository, and a sync would turn it into a mirror, which refuses pushes. Allow it once with convertToMirror: true of repositorySync.',
    );
  const { task, isNew } = await createSyncTask(em, {
    repositoryId,
    remoteId,
    arguments: { mirror, confirmRemoval: false, dryRun: false, allowPrivate, trigger: 'SCHEDULE' },
    startedBy: schedule.madeBy,
  });
  if (!isNew) return skipped('A sync of the repository was still waiting or running.', task.id);
  return { outcome: 'STARTED', message: null, taskId: task.id };
}

export interface NewScheduleRun {
  readonly scheduleId: number;
  /** RFC 3339; default: now. */
  readonly dueAt?: string;
  readonly outcome: ScheduleRunOutcome;
  readonly message: string | null;
  /** The new task, or the task that the run was skipped for. */
  readonly taskId: number | null;
  /** Undefined for a triggered run. */
  readonly workflowRunId?: string;
}

const runsKept = 100;

/** Records a run, unless the schedule is deleted. The last 100 runs of a schedule are kept. */
export async function addScheduleRun(em: Em, run: NewScheduleRun): Promise<void> {
  const db = kysely(em);
  await sql`
    insert into schedule_run (schedule_id, due_at, outcome, message, task_id, workflow_run_id)
    select id, coalesce(${run.dueAt ?? null}::timestamptz, now()), ${run.outcome}, ${run.message}, ${run.taskId}::bigint, ${run.workflowRunId ?? null}
    from schedule where id = ${run.scheduleId} for key share`.execute(db);
  await trimScheduleRuns(em, [run.scheduleId]);
}

/** Keeps the last 100 runs of each schedule. */
export async function trimScheduleRuns(em: Em, scheduleIds: readonly number[]): Promise<void> {
  await sql`
    delete from schedule_run old using unnest(${scheduleIds}::bigint[]) as p(id)
    where old.schedule_id = p.id and old.id <= (
      select id from schedule_run where schedule_id = p.id order by id desc offset ${runsKept} limit 1
    )`.execute(kysely(em));
}
