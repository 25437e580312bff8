import { sql } from 'kysely';
import type { TagOutcome } from '../../selection/tag-outcome.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { listedNames } from '../staging/selected-graph.ts';

/** Stores how many listed tags were not selected. */
export async function countOutcomes(
  em: Em,
  taskId: number,
  counts: Partial<Record<TagOutcome, number>>,
): Promise<void> {
  const given = Object.entries(counts).filter(([, count]) => count > 0);
  if (given.length === 0) return;
  await sql`
    insert into task_tag_count (task_id, outcome, count)
    select ${taskId}, v.outcome, v.count
    from unnest(${given.map(([outcome]) => outcome)}::text[], ${given.map(([, count]) => count)}::int[]) as v(outcome, count)
    on conflict (task_id, outcome) do update set count = excluded.count`.execute(kysely(em));
}

/**
 * Stores the outcome of each staged tag, compared with the latest version, and the counts. The caller holds the repository and has not
 * written yet. Unchanged tags are counted without reading them: selected tags less those with a row.
 */
export async function writeOutcomes(em: Em, taskId: number): Promise<void> {
  await sql`
    with staged as (
      select s.name, s.manifest_id, s.outcome, s.reason, s.digest, t.manifest_id as present_id, task.mirror,
        not exists (select from sync_companion c where c.task_id = s.task_id and c.name = s.name and c.is_selected)
          and (s.manifest_id is not null or s.outcome is not null or s.name in (${listedNames(taskId)})) as is_listed
      from (select id, repository_id, (arguments ->> 'mirror')::boolean as mirror from task where id = ${taskId}) as task
        join sync_tag s on s.task_id = task.id
        left join tag_membership t on t.repository_id = task.repository_id and t.name = s.name and t.removed_in is null
      union all
      select r.name, r.manifest_id, r.outcome, r.reason, null, null, false, false
      from sync_root r where r.task_id = ${taskId} and r.outcome is not null and r.name not like '@%'
    ),
    result as (
      select name, is_listed, reason, present_id, manifest_id, digest,
        coalesce(outcome, case when manifest_id is null then 'REMOVED' when present_id is null then 'ADDED' else 'MOVED' end) as outcome
      from staged
      where case when outcome is not null then manifest_id is not null or outcome <> 'NOT_VERIFIED'
        when manifest_id is null then mirror and present_id is not null
        else present_id is distinct from manifest_id end
    ),
    written as (
      insert into task_tag (task_id, name, outcome, reason, old_digest, new_digest)
      select ${taskId}::bigint, r.name, r.outcome, r.reason, before.digest, coalesce(after.digest, r.digest)
      from result r left join manifest before on before.id = r.present_id left join manifest after on after.id = r.manifest_id
      on conflict do nothing
    )
    insert into task_tag_count (task_id, outcome, count)
    select ${taskId}::bigint, outcome, count(*) from result group by outcome
    union all
    select task.id, 'UNCHANGED', greatest(0, task.tags_total - (select count(*) from result where is_listed)
      - (select count(*) from staged where outcome is null and manifest_id is null and is_listed and present_id is null))
    from task where task.id = ${taskId} and task.tags_total is not null
    on conflict (task_id, outcome) do update set count = excluded.count`.execute(kysely(em));
}
