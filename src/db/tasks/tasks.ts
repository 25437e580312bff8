import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { discardRepository, lockToDiscard } from './discard-repository.ts';
import { Task } from '../schema/tasks.ts';
import type { SyncArguments, TaskStage } from '../schema/tasks.ts';
import type { Identity } from '../schema/columns/identity.ts';
import { ownInstallation } from './installation.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { currentTrace } from '../../telemetry/trace-context.ts';
import { upstreamHost } from './sync-turns.ts';
import { tellEnding } from './task-endings.ts';
import { leaveTags } from '../staging/walked-tags.ts';
import { recordSyncEnd } from '../webhooks/record-events.ts';

export const syncTaskName = 'repository.sync';

/** The workflow id of a repository's sync, as an SQL expression (docs/design.md). */
export function syncWorkflowId(repositoryId: number | RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`'sync/' || ${ownInstallation} || '/' || ${repositoryId}::bigint`;
}

/**
 * Inserts a WAITING sync task, unless the repository has an open one.
 * @returns the new or the open task.
 */
export async function createSyncTask(
  em: Em,
  input: {
    readonly repositoryId: number;
    readonly remoteId: number;
    readonly arguments: SyncArguments;
    /** The caller whose rights the sync has. Null while logins are on: only the repository and its remote. */
    readonly startedBy?: Identity | null;
  },
): Promise<{ task: Task; isNew: boolean }> {
  for (;;) {
    const inserted = await sql<Record<string, unknown>>`
      insert into task (name, repository_id, remote_id, arguments, workflow_id, started_by, upstream_host, trace_id)
      values (${syncTaskName}, ${input.repositoryId}, ${input.remoteId}, ${JSON.stringify(input.arguments)}::jsonb,
        ${syncWorkflowId(input.repositoryId)}, ${input.startedBy == null ? null : JSON.stringify(input.startedBy)}::jsonb,
        (select ${upstreamHost} from remote where id = ${input.remoteId}), ${currentTrace()?.traceId ?? null})
      on conflict (repository_id) where name = 'repository.sync' and state in ('WAITING', 'RUNNING') do nothing
      returning *`.execute(kysely(em));
    const row = inserted.rows[0];
    if (row) return { task: em.map(Task, row), isNew: true };
    const running = await em.findOne(Task, {
      repositoryId: input.repositoryId,
      name: syncTaskName,
      state: { $in: ['WAITING', 'RUNNING'] },
    });
    if (running) return { task: running, isNew: false };
  }
}

export type TaskOutcome =
  | { readonly state: 'COMPLETED'; readonly createdVersion: number | null }
  | { readonly state: 'FAILED'; readonly code: string; readonly message: string }
  | { readonly state: 'CANCELED' };

/**
 * Ends a task and drops its staging rows, unless it is final already.
 * @returns whether this call ended it.
 */
export async function finishTask(em: Em, taskId: number, outcome: TaskOutcome): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await lockToDiscard(transaction, taskId);
    const failed = outcome.state === 'FAILED' ? outcome : { code: null, message: null };
    const version = outcome.state === 'COMPLETED' ? outcome.createdVersion : null;
    const ended = await sql`
      update task set state = ${outcome.state}, finished_at = now(), started_at = coalesce(started_at, now()),
        stage = case when ${outcome.state} = 'COMPLETED' then 'FINISHED' else stage end,
        error_code = ${failed.code}, error_message = ${failed.message}, created_version = ${version}
      where id = ${taskId} and state in ('WAITING', 'RUNNING')
      returning ${tellEnding}`.execute(db);
    if (ended.numAffectedRows !== 1n) return false;
    await recordSyncEnd(transaction, taskId);
    if (outcome.state !== 'COMPLETED') await leaveTags(transaction, taskId);
    await clearStage(transaction, taskId);
    // A completed sync is ended by its commit.
    await discardRepository(transaction, taskId);
    return true;
  });
}

const stagingTables = [
  'sync_name',
  'sync_tag',
  'sync_root',
  'sync_failure',
  'sync_blob',
  'sync_companion',
  'sync_asked',
  'sync_absent',
  'sync_problem',
  'sync_signed',
  'sync_signature',
  'sync_signer',
  'sync_walked',
  'sync_listed',
];

/** Drops the staging rows of a task in one statement. It excludes concurrent calls and the deletion of the repository. */
export async function clearStage(em: Em, taskId: number): Promise<void> {
  await clearTables(em, taskId, stagingTables);
}

/** Drops what was walked. The names that are being listed stay. */
export async function clearWalk(em: Em, taskId: number): Promise<void> {
  await clearTables(
    em,
    taskId,
    stagingTables.filter((table) => table !== 'sync_name'),
  );
}

async function clearTables(em: Em, taskId: number, tables: readonly string[]): Promise<void> {
  const deletions = tables.map(
    (table) =>
      sql`${sql.id(`without_${table}`)} as (delete from ${sql.table(table)} s using ended where s.task_id = ended.id)`,
  );
  await sql`
    with ended as materialized (select id from task where id = ${taskId} for no key update), ${sql.join(deletions)}
    select from ended`.execute(kysely(em));
}

/**
 * Drops the staging rows of ended tasks. A crash between a commit and its clean-up leaves them behind, and they keep content
 * from collection.
 */
export async function clearEndedStages(em: Em): Promise<void> {
  const staged = stagingTables.map((table) => sql`select task_id from ${sql.table(table)}`);
  const ended = await sql<{ id: number }>`
    select id from task where state not in ('WAITING', 'RUNNING') and id in (${sql.join(staged, sql` union `)})
    order by id`.execute(kysely(em));
  for (const { id } of ended.rows) await clearStage(em, id);
}

/** Absolute counts of one part of a stage. They never decrease. */
export interface PartProgress {
  readonly tagsDone?: number;
  readonly manifestsDone?: number;
  readonly blobsDone?: number;
  readonly blobsReused?: number;
  readonly bytesDone?: number;
  readonly bytesReused?: number;
  readonly signaturesDone?: number;
}

export async function setProgress(
  em: Em,
  part: { readonly taskId: number; readonly stage: TaskStage; readonly part: number },
  progress: PartProgress,
): Promise<void> {
  await sql`
    insert into task_progress as p (task_id, stage, part, tags_done, manifests_done, blobs_done, blobs_reused,
      bytes_done, bytes_reused, signatures_done)
    values (${part.taskId}, ${part.stage}, ${part.part}, ${progress.tagsDone ?? 0}, ${progress.manifestsDone ?? 0},
      ${progress.blobsDone ?? 0}, ${progress.blobsReused ?? 0}, ${progress.bytesDone ?? 0}, ${progress.bytesReused ?? 0},
      ${progress.signaturesDone ?? 0})
    on conflict (task_id, stage, part) do update set
      tags_done = greatest(p.tags_done, excluded.tags_done),
      manifests_done = greatest(p.manifests_done, excluded.manifests_done),
      blobs_done = greatest(p.blobs_done, excluded.blobs_done),
      blobs_reused = greatest(p.blobs_reused, excluded.blobs_reused),
      bytes_done = greatest(p.bytes_done, excluded.bytes_done),
      bytes_reused = greatest(p.bytes_reused, excluded.bytes_reused),
      signatures_done = greatest(p.signatures_done, excluded.signatures_done)`.execute(kysely(em));
}

/** Counts rate-limit responses (`Task.rateLimited`). */
export async function countRateLimited(em: Em, taskId: number, times: number): Promise<void> {
  await sql`
    insert into task_progress as p (task_id, stage, part, rate_limited) values (${taskId}, 'PREPARING', 0, ${times})
    on conflict (task_id, stage, part) do update set rate_limited = p.rate_limited + excluded.rate_limited`.execute(
    kysely(em),
  );
}

export interface TaskCounts {
  readonly tagsDone: number;
  readonly manifestsDone: number;
  readonly blobsDone: number;
  readonly blobsReused: number;
  readonly bytesDone: number;
  readonly bytesReused: number;
  readonly signaturesDone: number;
  readonly rateLimited: number;
  /** Until when the upstream's host is throttled; null: it is not. */
  readonly throttledUntil: Date | null;
}

/** Sums over all parts of each task; a task without progress is absent. */
export async function readTaskCounts(em: Em, taskIds: readonly number[]): Promise<Map<number, TaskCounts>> {
  const result = await sql<
    Omit<TaskCounts, 'throttledUntil'> & { taskId: number; until: string | Date | null }
  >`
    select task_id as "taskId", sum(tags_done)::bigint as "tagsDone", sum(manifests_done)::bigint as "manifestsDone",
      sum(blobs_done)::bigint as "blobsDone", sum(blobs_reused)::bigint as "blobsReused",
      sum(bytes_done)::bigint as "bytesDone", sum(bytes_reused)::bigint as "bytesReused",
      sum(signatures_done)::bigint as "signaturesDone", sum(rate_limited)::bigint as "rateLimited",
      (select h.until from task t join host_throttle h on h.host = t.upstream_host
        where t.id = task_id and t.state = 'RUNNING' and h.until > now()) as until
    from task_progress where task_id = any(${taskIds}::bigint[]) group by task_id`.execute(kysely(em));
  return new Map(
    result.rows.map(({ taskId, until, ...counts }) => [
      taskId,
      { ...counts, throttledUntil: until === null ? null : new Date(until) },
    ]),
  );
}
