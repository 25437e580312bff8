import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * How many syncs ask one host at a time (TIDEMARK_SYNCS_PER_HOST). The tasks are the count: one that is RUNNING has a turn, so no lease can
 * outlive its holder, whoever is killed.
 */

/** Host and port of `remote.url`, in SQL. */
export const upstreamHost = sql<string>`lower(substring(remote.url from '^[a-zA-Z]+://([^/?#]+)'))`;

/** Gives a task its turn at its upstream's host, in the caller's transaction; false where all turns are taken. */
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

/** Workflows of the tasks that have waited longest at the host of a task that has ended, as many as there are free turns. */
export async function readNextInLine(em: Em, taskId: number, syncsPerHost: number): Promise<string[]> {
  const found = await sql<{ workflowId: string }>`
    select next.workflow_id as "workflowId"
    from task ended join task next on next.upstream_host = ended.upstream_host and next.state = 'WAITING'
    where ended.id = ${taskId} order by next.id
    limit greatest(0, ${syncsPerHost} - (
      select count(*) from task running
      where running.state = 'RUNNING' and running.upstream_host = (select upstream_host from task where id = ${taskId})
    ))`.execute(kysely(em));
  return found.rows.map(({ workflowId }) => workflowId);
}
