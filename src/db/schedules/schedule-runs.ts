import { sql } from 'kysely';
import type { ScheduleRunOutcome } from '../schema/schedules.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface NewScheduleRun {
  readonly scheduleId: number;
  readonly outcome: ScheduleRunOutcome;
  readonly message: string | null;
  /** The new task, or the task that the run was skipped for. */
  readonly taskId: number | null;
}

const runsKept = 100;

/** Records a triggered run, unless the schedule is deleted. The last 100 runs of a schedule are kept. */
export async function addScheduleRun(em: Em, run: NewScheduleRun): Promise<void> {
  const db = kysely(em);
  await sql`
    insert into schedule_run (schedule_id, due_at, outcome, message, task_id)
    select id, now(), ${run.outcome}, ${run.message}, ${run.taskId}::bigint
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
