import { sql } from 'kysely';
import type { ContentPlan } from './plan-content.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { writeOutcomes } from '../outcomes/tag-outcomes.ts';
import { finishTask } from '../tasks/tasks.ts';

/** Completes a dry run: stores the tag changes and the amount to fetch. It commits no version. */
export async function finishDryRun(em: Em, taskId: number, plan: ContentPlan): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await writeOutcomes(transaction, taskId);
    await sql`
      insert into task_plan (task_id, tags_added, tags_moved, tags_removed, blobs_to_fetch, bytes_to_fetch)
      select ${taskId}, count(*) filter (where outcome = 'ADDED'), count(*) filter (where outcome = 'MOVED'),
        count(*) filter (where outcome = 'REMOVED'), ${plan.blobsToFetch}, ${plan.bytesToFetch}
      from task_tag where task_id = ${taskId}
      on conflict (task_id) do nothing`.execute(db);
    await finishTask(transaction, taskId, { state: 'COMPLETED', createdVersion: null });
  });
}
