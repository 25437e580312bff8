import { sql } from 'kysely';
import { lockUnchanged } from '../look/complete-unchanged.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { tellEnding } from '../tasks/task-endings.ts';
import { tellSyncEnds } from '../webhooks/record-events.ts';
import { outcomesOf } from './stage-difference.ts';
import type { Base } from './stage-difference.ts';

export interface SameSync extends Base {
  readonly taskId: number;
  /** The version that the sync before has left. */
  readonly latest: number;
}

/**
 * Completes the task of a sync whose upstream has nothing new, with the counts of the sync before. One statement.
 * @returns false as `completeUnchanged` does
 */
export async function completeSame(em: Em, sync: SameSync): Promise<boolean> {
  const { taskId, latest, lastTaskId, state, tagsDelta, filteredDelta } = sync;
  const ended = await sql`
    with locked as materialized (${lockUnchanged(taskId, latest)}),
    last as materialized (
      select l.*, greatest(0, l.tags_total + ${tagsDelta}) as tags from task l, locked where l.id = ${lastTaskId}
    ),
    counted as (${outcomesOf(sql`locked`, lastTaskId, filteredDelta)}),
    unchanged as (
      insert into task_tag_count (task_id, outcome, count) select locked.id, 'UNCHANGED', last.tags from locked, last
    ),
    progress as (
      insert into task_progress (task_id, stage, part, tags_done, manifests_done, blobs_done, blobs_reused, bytes_done, bytes_reused,
        signatures_done)
      select locked.id, 'COMMITTING', 0, last.tags, last.manifests_total, last.blobs_total, last.blobs_total, last.bytes_total,
        last.bytes_total, (select coalesce(sum(p.signatures_done), 0) from task_progress p where p.task_id = last.id)
      from locked, last
    ),
    mirrored as (
      update repository set is_mirrored = true from locked where repository.id = locked.repository_id and not is_mirrored
    ),
    ended as (
      update task set state = 'COMPLETED', stage = 'FINISHED', finished_at = now(), tags_total = last.tags,
        manifests_total = last.manifests_total, blobs_total = last.blobs_total, bytes_total = last.bytes_total,
        tags_outside_filter = last.tags_outside_filter, upstream_state = ${state}, listed_at = last.listed_at, difference_of = last.id
      from locked, last where task.id = locked.id
      returning task.*, ${tellEnding}
    ),
    told as (${tellSyncEnds(sql`ended`)})
    select from ended`.execute(kysely(em));
  return ended.rows.length > 0;
}

/** Remembers the state that a look has found with the sync that left the repository so. `isWhole`: it has read the whole list. */
export async function noteState(
  em: Em,
  lastTaskId: number,
  { state, isWhole }: { readonly state: string; readonly isWhole: boolean },
): Promise<void> {
  await sql`
    update task set upstream_state = ${state}, listed_at = case when ${isWhole} then now() else listed_at end
    where id = ${lastTaskId}`.execute(kysely(em));
}
