import { sql } from 'kysely';
import { Task } from '../schema/tasks.ts';
import type { TaskState } from '../schema/tasks.ts';
import type { Em } from '../open-database.ts';
import { toPage, toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { countByParent, countRows } from './counts.ts';
import { kysely } from '../sql.ts';
import { taskVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** The visible tasks (`taskVisible`), in the order of the ids. */
export async function readTasks(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(Task | undefined)[]> {
  const seen = visibility.all ? ids : await keepSeen(em, visibility, ids);
  const rows = await em.find(Task, { id: { $in: [...seen] } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

async function keepSeen(em: Em, visibility: Visibility, ids: readonly number[]): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select id from task where id = any(${ids}::bigint[]) and ${taskVisible(visibility)}`.execute(kysely(em));
  return found.rows.map((row) => row.id);
}

export interface TaskPageArguments {
  readonly first: number;
  /** Id of the last task of the previous page; newest first. */
  readonly after: number | undefined;
}

export interface TaskFilter {
  readonly state?: TaskState | undefined;
  readonly repository?: string | undefined;
  readonly names?: readonly string[] | undefined;
}

export async function readTaskPage(
  em: Em,
  visibility: Visibility,
  page: TaskPageArguments & TaskFilter,
): Promise<Page<{ id: number }>> {
  const found = await sql<{ id: number }>`
    select id from task where id < ${page.after ?? Number.MAX_SAFE_INTEGER} and ${passes(page)}
      and ${taskVisible(visibility)}
    order by id desc limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export function countTasks(em: Em, visibility: Visibility, filter: TaskFilter): Promise<number> {
  return countRows(em, 'task', sql`${passes(filter)} and ${taskVisible(visibility)}`);
}

function passes({ state, repository, names }: TaskFilter) {
  const conditions = [
    state === undefined ? undefined : sql`task.state = ${state}`,
    repository === undefined
      ? undefined
      : sql`task.repository_id = (select id from repository where name = ${repository})`,
    names === undefined ? undefined : sql`task.name = any(${[...names]}::text[])`,
  ];
  return sql.join([sql`true`, ...conditions.filter((each) => each !== undefined)], sql` and `);
}

/** In one statement. */
export async function readRepositoryTaskPages(
  em: Em,
  repositoryIds: readonly number[],
  page: TaskPageArguments,
): Promise<Page<{ id: number }>[]> {
  const found = await sql<{ n: number; id: number }>`
    select p.n, t.id from unnest(${repositoryIds}::bigint[]) with ordinality as p(repository_id, n)
    cross join lateral (
      select id from task t
      where t.repository_id = p.repository_id and t.id < ${page.after ?? Number.MAX_SAFE_INTEGER}
      order by t.id desc limit ${page.first + 1}
    ) as t order by p.n, t.id desc`.execute(kysely(em));
  return toPages(found.rows, repositoryIds.length, page.first);
}

export function countRepositoryTasks(em: Em, repositoryIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'task', 'repository_id', repositoryIds);
}
