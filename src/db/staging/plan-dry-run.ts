import { sql } from 'kysely';
import type { ContentPlan } from './plan-content.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { finishTask } from '../tasks/tasks.ts';

/** Completes a dry run: stores the tag changes and the amount to fetch. It commits no version. */
export async function finishDryRun(em: Em, taskId: number, plan: ContentPlan): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await db.deleteFrom('task_plan_tag').where('task_id', '=', taskId).execute();
    await sql`
      insert into task_plan_tag (task_id, name, change, old_digest, new_digest)
      select task.id, s.name,
        case when s.manifest_id is null then 'REMOVED' when t.name is null then 'ADDED' else 'MOVED' end,
        before.digest, after.digest
      from task join sync_tag s on s.task_id = task.id
        left join tag_membership t on t.repository_id = task.repository_id and t.name = s.name and t.removed_in is null
        left join manifest before on before.id = t.manifest_id
        left join manifest after on after.id = s.manifest_id
      where task.id = ${taskId} and t.manifest_id is distinct from s.manifest_id
        and (s.manifest_id is not null or (task.arguments ->> 'mirror')::boolean)`.execute(db);
    await sql`
      insert into task_plan (task_id, tags_added, tags_moved, tags_removed, blobs_to_fetch, bytes_to_fetch)
      select ${taskId}, count(*) filter (where change = 'ADDED'), count(*) filter (where change = 'MOVED'),
        count(*) filter (where change = 'REMOVED'), ${plan.blobsToFetch}, ${plan.bytesToFetch}
      from task_plan_tag where task_id = ${taskId}
      on conflict (task_id) do nothing`.execute(db);
    await finishTask(transaction, taskId, { state: 'COMPLETED', createdVersion: null });
  });
}
