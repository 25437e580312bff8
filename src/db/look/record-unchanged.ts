import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { trimScheduleRuns } from '../tasks/schedule-runs.ts';
import type { DueRun } from '../tasks/schedule-runs.ts';

/** Records that a sync would change nothing: a run UNCHANGED, and the time with the repository. Idempotent. */
export async function recordUnchanged(em: Em, due: readonly DueRun[]): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const ids = due.map(({ scheduleId }) => scheduleId);
    await sql`
      with looked as (
        select s.id, s.repository_id, v.due_at, v.run_id
        from unnest(${ids}::bigint[], ${due.map(({ dueAt }) => dueAt)}::timestamptz[], ${due.map(({ workflowRunId }) => workflowRunId)}::text[])
          as v(schedule_id, due_at, run_id) join schedule s on s.id = v.schedule_id order by s.id for key share of s
      ),
      fresh as (
        update repository r set looked_at = clock_timestamp()
        from (select distinct repository_id from looked order by repository_id) as l where r.id = l.repository_id
      )
      insert into schedule_run (schedule_id, due_at, outcome, workflow_run_id)
      select id, due_at, 'UNCHANGED', run_id from looked on conflict (workflow_run_id) do nothing`.execute(
      db,
    );
    await trimScheduleRuns(transaction, ids);
  });
}
