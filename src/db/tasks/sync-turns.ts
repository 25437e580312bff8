import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * The limit of concurrent syncs of one host (TIDEMARK_SYNCS_PER_HOST). RUNNING tasks are counted, so a killed worker
 * holds no lease.
 */

/** Host and port of `remote.url`, as an SQL expression. */
export const upstreamHost = sql<string>`lower(substring(remote.url from '^[a-zA-Z]+://([^/?#]+)'))`;

/**
 * In the caller's transaction.
 * @returns false if the host has its maximum of running syncs.
 */
export async function takeTurn(
  em: Em,
  task: { readonly id: number; readonly upstreamHost: string },
  syncsPerHost: number,
): Promise<boolean> {
  const db = kysely(em);
  await sql`select pg_advisory_xact_lock(hashtextextended('syncs of ' || ${task.upstreamHost}, 0))`.execute(
    db,
  );
  const running = await sql<{ count: number }>`
    select count(*) as count from task
    where upstream_host = ${task.upstreamHost} and state = 'RUNNING' and id <> ${task.id}`.execute(db);
  return (running.rows[0]?.count ?? 0) < syncsPerHost;
}

/**
 * Workflows of the tasks that have waited longest for a turn at the host of an ended task, one for each free turn. Tasks that have begun, or wait
 * for a window, look by themselves.
 */
export async function readNextInLine(em: Em, taskId: number, syncsPerHost: number): Promise<string[]> {
  const found = await sql<{ workflowId: string }>`
    select next.workflow_id as "workflowId"
    from task ended join task next on next.upstream_host = ended.upstream_host and next.state = 'WAITING'
      and next.started_at is null and (next.waits_for is null or next.waits_for = 'TURN')
    where ended.id = ${taskId} order by next.id
    limit greatest(0, ${syncsPerHost} - (
      select count(*) from task running
      where running.state = 'RUNNING' and running.upstream_host = (select upstream_host from task where id = ${taskId})
    ))`.execute(kysely(em));
  return found.rows.map(({ workflowId }) => workflowId);
}
