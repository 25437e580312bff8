import { sql } from 'kysely';
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

export type PlannedChange = 'ADDED' | 'MOVED' | 'REMOVED';

export interface PlannedTagRow {
  readonly name: string;
  readonly change: PlannedChange;
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

export interface PlannedTagPageArguments {
  readonly first: number;
  /** Name of the last tag of the previous page. */
  readonly after: string | undefined;
  readonly change: PlannedChange | undefined;
}

export async function readPlannedTagPages(
  em: Em,
  taskIds: readonly number[],
  page: PlannedTagPageArguments,
): Promise<Page<PlannedTagRow>[]> {
  const found = await sql<PlannedTagRow & { n: number }>`
    select p.n, t.* from unnest(${taskIds}::bigint[]) with ordinality as p(task_id, n)
    cross join lateral (
      select name, change, old_digest as "oldDigest", new_digest as "newDigest" from task_plan_tag t
      where t.task_id = p.task_id and t.name > ${page.after ?? ''}
        and ${page.change === undefined ? sql`true` : sql`t.change = ${page.change}`}
      order by t.name limit ${page.first + 1}
    ) as t order by p.n, t.name`.execute(kysely(em));
  return toPages(found.rows, taskIds.length, page.first);
}
