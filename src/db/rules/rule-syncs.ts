import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A sync that a run of a rule has created and that has no workflow yet. */
export interface RuleSync {
  readonly taskId: number;
  readonly workflowId: string;
  readonly repositoryName: string;
  /** Host and port of the upstream; null: unknown. */
  readonly remoteHost?: string | null;
}

export interface SyncableRepository {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly name: string;
  readonly upstreamName: string;
}

export interface RunProgress {
  /** Repositories to sync. */
  readonly total: number;
  /** Whose sync has ended, and those that need none. */
  readonly done: number;
  /** Those that need none: a look has found nothing to do. */
  readonly unchanged: number;
  readonly failed: number;
  /** Whose sync has begun, or waits. */
  readonly open: number;
}

/** Repositories of a run whose sync may be started: those with a remote that nobody has pushed to. */
const syncable = sql`o.outcome in ('CREATE', 'PRESENT') and r.remote_id is not null and not (r.latest > 0 and not r.is_mirrored
  and not exists (select from distribution d where d.repository_id = r.id and d.pull_through))`;

const isUnchanged = sql`o.sync_task_id is null and o.needs_sync is false`;

export async function readProgress(em: Em, taskId: number): Promise<RunProgress> {
  const found = await sql<RunProgress>`
    select count(*) filter (where o.sync_task_id is not null or ${isUnchanged} or ${syncable})::int as total,
      count(*) filter (where ${isUnchanged} or t.state in ('COMPLETED', 'FAILED', 'CANCELED'))::int as done,
      count(*) filter (where ${isUnchanged})::int as unchanged,
      count(*) filter (where t.state in ('FAILED', 'CANCELED'))::int as failed,
      count(*) filter (where t.state in ('WAITING', 'RUNNING'))::int as open
    from rule_outcome o join repository r on r.id = o.repository_id left join task t on t.id = o.sync_task_id
    where o.task_id = ${taskId}`.execute(kysely(em));
  return found.rows[0] ?? { total: 0, done: 0, unchanged: 0, failed: 0, open: 0 };
}

/** The next repositories that need a sync and have none, or, without `isLookedAt`, that may need one. */
export async function readToSync(
  em: Em,
  taskId: number,
  { limit, isLookedAt }: { readonly limit: number; readonly isLookedAt: boolean },
): Promise<SyncableRepository[]> {
  const found = await sql<SyncableRepository>`
    select r.id as "repositoryId", r.remote_id as "remoteId", r.name, o.upstream_name as "upstreamName"
    from rule_outcome o join repository r on r.id = o.repository_id
    where o.task_id = ${taskId} and o.sync_task_id is null and ${syncable}
      and ${isLookedAt ? sql`o.needs_sync` : sql`o.needs_sync is null`}
    order by o.upstream_name limit ${limit}`.execute(kysely(em));
  return found.rows;
}

/** Records which repositories need a sync, and when the others were found unchanged. */
export async function recordLooks(
  em: Em,
  taskId: number,
  { changed, unchanged }: { readonly changed: readonly number[]; readonly unchanged: readonly number[] },
): Promise<void> {
  await sql`
    with fresh as (
      update repository r set looked_at = clock_timestamp()
      from (select id from repository where id = any(${[...unchanged]}::bigint[]) order by id for no key update) as l where r.id = l.id
    )
    update rule_outcome set needs_sync = repository_id = any(${[...changed]}::bigint[])
    where task_id = ${taskId} and repository_id = any(${[...changed, ...unchanged]}::bigint[])`.execute(
    kysely(em),
  );
}

export async function noteSync(
  em: Em,
  taskId: number,
  { repositoryId, syncTaskId }: { readonly repositoryId: number; readonly syncTaskId: number },
): Promise<void> {
  await sql`
    update rule_outcome set sync_task_id = ${syncTaskId} where task_id = ${taskId} and repository_id = ${repositoryId}`.execute(
    kysely(em),
  );
}

/** Syncs of the run that have no workflow yet. */
export async function readUnstarted(em: Em, taskId: number): Promise<RuleSync[]> {
  const found = await sql<RuleSync>`
    select t.id as "taskId", t.workflow_id as "workflowId", r.name as "repositoryName",
      t.upstream_host as "remoteHost"
    from rule_outcome o join task t on t.id = o.sync_task_id join repository r on r.id = t.repository_id
    where o.task_id = ${taskId} and t.state = 'WAITING' and t.run_id is null order by t.id`.execute(
    kysely(em),
  );
  return found.rows;
}

/** Open syncs of the run, with their workflow runs. */
export async function readOpenSyncs(
  em: Em,
  taskId: number,
): Promise<{ readonly taskId: number; readonly workflowId: string; readonly runId: string | null }[]> {
  const found = await sql<{ taskId: number; workflowId: string; runId: string | null }>`
    select t.id as "taskId", t.workflow_id as "workflowId", t.run_id as "runId"
    from rule_outcome o join task t on t.id = o.sync_task_id
    where o.task_id = ${taskId} and t.state in ('WAITING', 'RUNNING') order by t.id`.execute(kysely(em));
  return found.rows;
}

/** The first repositories whose sync has failed, with the reason. */
export async function readFailedSyncs(
  em: Em,
  taskId: number,
  limit: number,
): Promise<{ readonly name: string; readonly message: string }[]> {
  const found = await sql<{ name: string; message: string }>`
    select o.name, coalesce(t.error_code || ': ' || t.error_message, 'it was canceled') as message
    from rule_outcome o join task t on t.id = o.sync_task_id
    where o.task_id = ${taskId} and t.state in ('FAILED', 'CANCELED') order by o.name limit ${limit}`.execute(
    kysely(em),
  );
  return found.rows;
}
