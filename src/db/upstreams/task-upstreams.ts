import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { clearWalk } from '../tasks/tasks.ts';

/* The upstreams of a sync whose remote has fallbacks: which one listed the tags, and who delivered what. */

export interface UpstreamPlace {
  /** 0: the remote's own upstream. */
  readonly position: number;
  readonly url: string;
  readonly upstreamName: string;
}

/** What an upstream has delivered. Content that was delivered again counts again. */
export interface Delivered {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface TaskUpstreamRow extends UpstreamPlace, Delivered {
  /** Whether the tags are those of this upstream. */
  readonly hasList: boolean;
}

/** Adds to the counts of a task. */
export async function addDelivered(
  em: Em,
  taskId: number,
  rows: readonly (UpstreamPlace & Delivered)[],
): Promise<void> {
  // in one order, so that two workers cannot block each other
  const sorted = [...rows].sort((one, other) => one.position - other.position);
  for (const { url, upstreamName, position, manifests, blobs, bytes } of sorted)
    await sql`
      insert into task_upstream as t (task_id, url, upstream_name, position, manifests, blobs, bytes)
      values (${taskId}, ${url}, ${upstreamName}, ${position}, ${manifests}, ${blobs}, ${bytes})
      on conflict (task_id, url, upstream_name) do update set
        manifests = t.manifests + excluded.manifests, blobs = t.blobs + excluded.blobs, bytes = t.bytes + excluded.bytes`.execute(
      kysely(em),
    );
}

/** Records whose tags the sync takes. If an earlier attempt took those of another upstream, what it has walked is dropped with that. */
export async function setListPlace(em: Em, taskId: number, place: UpstreamPlace): Promise<void> {
  const { url, upstreamName, position } = place;
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const dropped = await sql<{ url: string }>`
      update task_upstream set has_list = false
      where task_id = ${taskId} and has_list and (url, upstream_name) <> (${url}, ${upstreamName})
      returning url`.execute(db);
    await sql`
      insert into task_upstream (task_id, url, upstream_name, position, has_list)
      values (${taskId}, ${url}, ${upstreamName}, ${position}, true)
      on conflict (task_id, url, upstream_name) do update set has_list = true, position = excluded.position`.execute(
      db,
    );
    if (dropped.rows.length > 0) await clearWalk(transaction, taskId);
  });
}

/** The upstream whose tags the sync takes, once that is decided. */
export async function readListPlace(
  em: Em,
  taskId: number,
): Promise<Pick<UpstreamPlace, 'url' | 'upstreamName'> | undefined> {
  const rows = await kysely(em)
    .selectFrom('task_upstream')
    .select(['url', 'upstream_name as upstreamName'])
    .where('task_id', '=', taskId)
    .where('has_list', '=', true)
    .execute();
  return rows[0];
}

/** Of each task, in the order of the remote. */
export async function readTaskUpstreams(
  em: Em,
  taskIds: readonly number[],
): Promise<readonly TaskUpstreamRow[][]> {
  const rows = await kysely(em)
    .selectFrom('task_upstream')
    .select([
      'task_id as taskId',
      'url',
      'upstream_name as upstreamName',
      'position',
      'has_list as hasList',
      'manifests',
      'blobs',
      'bytes',
    ])
    .where('task_id', 'in', [...taskIds])
    .orderBy('position')
    .orderBy('url')
    .execute();
  return taskIds.map((id) => rows.filter(({ taskId }) => taskId === id));
}
