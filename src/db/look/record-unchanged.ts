import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { DueMoment } from '../schedules/due-schedules.ts';
import { trimScheduleRuns } from '../schedules/schedule-runs.ts';
import { kysely } from '../sql.ts';

/** Records that a sync would change nothing: a run UNCHANGED of each schedule, and the time with the repository. Idempotent. */
export async function recordUnchanged(
  em: Em,
  { dueAt, workflowRunId }: DueMoment,
  scheduleIds: readonly number[],
): Promise<void> {
  if (scheduleIds.length === 0) return;
  await em.transactional(async (transaction) => {
    await sql`
      with looked as (
        select id, repository_id from schedule where id = any(${[...scheduleIds]}::bigint[]) order by id for key share
      ),
      fresh as (
        update repository r set looked_at = clock_timestamp()
        from (select distinct repository_id from looked order by repository_id) as l where r.id = l.repository_id
      )
      insert into schedule_run (schedule_id, due_at, outcome, workflow_run_id)
      select id, ${dueAt}::timestamptz, 'UNCHANGED', ${workflowRunId} from looked
      on conflict (schedule_id, workflow_run_id) do nothing`.execute(kysely(transaction));
    await trimScheduleRuns(transaction, scheduleIds);
  });
}
