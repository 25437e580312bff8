import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isKeptBySync } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';

/** The names in the task's list of tags, as `name`. */
export function listedNames(taskId: number): RawBuilder<unknown> {
  return sql`select n as name from sync_name s join task on task.id = s.task_id, unnest(s.names) as n
    where s.task_id = ${taskId} and s.listing = task.listing`;
}

/** Whether the content of a staged tag or root is fetched. A signature is checked after that. */
export const isFetched = sql`(outcome is null or outcome = 'NOT_VERIFIED')`;

/**
 * The selected graph of a sync, as common table expressions: `selected_tag(name, manifest_id)`, `root(id)` and
 * `reach(id)` over manifests. Unchanged tags are read from the latest version: the walk covers stored manifests as well
 * (docs/design.md, rule 3).
 */
export function selectedGraph(taskId: number): RawBuilder<unknown> {
  return sql`
    listed as (
      select distinct name from (${listedNames(taskId)}) as listing
      union
      select name from sync_companion where task_id = ${taskId} and is_selected
    ),
    selected_tag(name, manifest_id) as (
      select name, manifest_id from sync_tag where task_id = ${taskId} and manifest_id is not null and ${isFetched}
      union all
      select t.name, t.manifest_id from task join tag_membership t on t.repository_id = task.repository_id and t.removed_in is null
        join listed on listed.name = t.name
      where task.id = ${taskId} and not exists (select from sync_tag s where s.task_id = task.id and s.name = t.name)
    ),
    root(id) as (
      select manifest_id from selected_tag
      union
      select manifest_id from sync_root where task_id = ${taskId} and not is_removed and ${isFetched}
    ),
    ${reachFrom(sql`select id from root`, isKeptBySync(taskId))}`;
}
