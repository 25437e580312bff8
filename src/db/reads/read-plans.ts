import { sql } from 'kysely';
import type { TagOutcome } from '../../selection/tag-outcome.ts';
import type { Em } from '../open-database.ts';
import { toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { kysely } from '../sql.ts';

/** The result of a dry run. */
export interface PlanRow {
  readonly taskId: number;
  readonly tagsAdded: number;
  readonly tagsMoved: number;
  readonly tagsRemoved: number;
  readonly blobsToFetch: number;
  readonly bytesToFetch: number;
}

export interface TaskTagRow {
  readonly name: string;
  readonly outcome: TagOutcome;
  readonly reason: string | null;
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

export async function readPlans(em: Em, taskIds: readonly number[]): Promise<(PlanRow | undefined)[]> {
  const found = await sql<PlanRow>`
    select p.task_id as "taskId", p.tags_added as "tagsAdded", p.tags_moved as "tagsMoved", p.tags_removed as "tagsRemoved",
      p.blobs_to_fetch as "blobsToFetch", p.bytes_to_fetch as "bytesToFetch"
    from task_plan p join task t on t.id = p.task_id and t.state = 'COMPLETED'
    where p.task_id = any(${taskIds}::bigint[])`.execute(kysely(em));
  const byTask = new Map(found.rows.map((row) => [row.taskId, row]));
  return taskIds.map((id) => byTask.get(id));
}

export interface TaskTagPageArguments {
  readonly first: number;
  /** Name of the last tag of the previous page. */
  readonly after: string | undefined;
  readonly only: readonly TagOutcome[] | undefined;
}

export async function readTaskTagPages(
  em: Em,
  taskIds: readonly number[],
  page: TaskTagPageArguments,
): Promise<Page<TaskTagRow>[]> {
  const found = await sql<TaskTagRow & { n: number }>`
    select p.n, t.* from unnest(${taskIds}::bigint[]) with ordinality as p(task_id, n)
    cross join lateral (
      select name, outcome, reason, old_digest as "oldDigest", new_digest as "newDigest" from task_tag t
      where t.task_id = p.task_id and t.name > ${page.after ?? ''}
        and ${page.only === undefined ? sql`true` : sql`t.outcome = any(${page.only}::text[])`}
      order by t.name limit ${page.first + 1}
    ) as t order by p.n, t.name`.execute(kysely(em));
  return toPages(found.rows, taskIds.length, page.first);
}

export interface TagOutcomeCountRow {
  readonly outcome: TagOutcome;
  readonly count: number;
}

/** Of completed tasks. */
export async function readTagOutcomeCounts(
  em: Em,
  taskIds: readonly number[],
): Promise<TagOutcomeCountRow[][]> {
  const found = await sql<TagOutcomeCountRow & { taskId: number }>`
    select c.task_id as "taskId", c.outcome, c.count from task_tag_count c
      join task t on t.id = c.task_id and t.state = 'COMPLETED'
    where c.task_id = any(${taskIds}::bigint[]) and c.count > 0 order by c.outcome`.execute(kysely(em));
  return taskIds.map((id) => found.rows.filter(({ taskId }) => taskId === id));
}
