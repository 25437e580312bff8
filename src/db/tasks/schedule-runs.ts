import { sql } from 'kysely';
import type { Identity } from '../schema/identity.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { isPushedTo } from '../reads/read-repositories.ts';
import { upstreamHost } from './sync-turns.ts';
import { createSyncTask, syncWorkflowId } from './tasks.ts';
import { requestRemoval } from './temporal-schedules.ts';

/** A run that is due. */
export interface DueRun {
  readonly scheduleId: number;
  readonly temporalId: string;
  /** Of the workflow `scheduledSync`: asked again for the same, the same is answered. */
  readonly workflowRunId: string;
  /** RFC 3339. */
  readonly dueAt: string;
}

/** What is to be done for a run: start the sync of the task, or nothing. */
export interface BegunRun {
  /** Null: nothing is to be started; `message` says why. */
  readonly taskId: number | null;
  readonly workflowId: string;
  /** Null where the schedule is gone. */
  readonly repositoryName: string | null;
  /** Host and port of the upstream; null where there is no remote. */
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
 * Makes the task of a scheduled run, and the row that tells of the run, in one transaction. Where a sync of the repository is waiting or
 * running, or there is nothing to sync with, the run is skipped, and its row says so.
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
  // without a lock on the remote: one that is deleted meanwhile makes the insert fail, and the next attempt finds none
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
  readonly outcome: 'STARTED' | 'SKIPPED';
  readonly message: string | null;
  /** The task that was made, or for which the run was skipped. */
  readonly taskId: number | null;
  /** Undefined where no workflow of the schedule began it: it was triggered. */
  readonly workflowRunId?: string;
}

const runsKept = 100;

/** Tells of a run, where the schedule is still there; of each the last 100 are kept. */
export async function addScheduleRun(em: Em, run: NewScheduleRun): Promise<void> {
  const db = kysely(em);
  await sql`
    insert into schedule_run (schedule_id, due_at, outcome, message, task_id, workflow_run_id)
    select id, coalesce(${run.dueAt ?? null}::timestamptz, now()), ${run.outcome}, ${run.message}, ${run.taskId}::bigint, ${run.workflowRunId ?? null}
    from schedule where id = ${run.scheduleId} for key share`.execute(db);
  await sql`
    delete from schedule_run where schedule_id = ${run.scheduleId} and id <= (
      select id from schedule_run where schedule_id = ${run.scheduleId} order by id desc offset ${runsKept} limit 1
    )`.execute(db);
}
