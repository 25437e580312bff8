import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { SyncArguments, TaskStage } from '../schema/tasks.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { takeTurn, upstreamHost } from './sync-turns.ts';

/** An override of `includeTags` replaces all include rules and the limit to the newest tags. */
const replacedByTags = ['includeTagPatterns', 'semverRanges', 'newestTags'];

export interface StartedTask {
  /** Before this call: WAITING if the call has started it. */
  readonly state: string;
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly arguments: SyncArguments;
}

/** The selection of the row of `remote`, with overrides (jsonb; null: none). */
export function selectionOf(overrides: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`jsonb_build_object('url', remote.url,
    'upstreamName', remote.upstream_name, 'policy', remote.policy, 'includeTags', remote.include_tags, 'excludeTags', remote.exclude_tags,
    'tagRules', jsonb_strip_nulls((case when (${overrides}) -> 'includeTags' is null then remote.tag_rules
      else remote.tag_rules - ${replacedByTags}::text[] end) || coalesce((${overrides}) -> 'tagRules', '{}')))
    || coalesce(${overrides}, '{}') - 'downloadConcurrency' - 'tagRules'`;
}

/**
 * Makes a WAITING task RUNNING and raises the repository's fence, so that no earlier attempt can commit. It stores the
 * remote's selection, which may change during the sync. Idempotent.
 * @returns undefined while the host has its maximum of running syncs.
 * @throws TidemarkError `TASK_NOT_RUNNING` for a final task, `NOT_FOUND` if the task, its repository or its remote is
 * deleted.
 */
export async function startTask(
  em: Em,
  taskId: number,
  { syncsPerHost }: { readonly syncsPerHost: number },
): Promise<StartedTask | undefined> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql<StartedTask & { upstreamHost: string }>`
      select task.state, task.repository_id as "repositoryId", task.remote_id as "remoteId", task.arguments,
        ${upstreamHost} as "upstreamHost"
      from task join repository on repository.id = task.repository_id join remote on remote.id = task.remote_id
      where task.id = ${taskId} for update of repository, task`.execute(db);
    const task = found.rows[0];
    if (!task)
      throw new TidemarkError('NOT_FOUND', `Task ${taskId}, its repository or its remote was deleted.`, {
        origin: 'server',
      });
    if (task.state === 'RUNNING') return task;
    if (task.state !== 'WAITING')
      throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is ${task.state} already.`, {
        origin: 'server',
      });
    if (!(await takeTurn(transaction, { id: taskId, upstreamHost: task.upstreamHost }, syncsPerHost)))
      return undefined;
    await sql`
      with raised as (
        update repository set fence = fence + 1 where id = ${task.repositoryId} returning fence
      )
      update task set state = 'RUNNING', started_at = clock_timestamp(), fence = raised.fence, upstream_host = ${task.upstreamHost},
        arguments = task.arguments || jsonb_build_object('selection', ${selectionOf(sql`task.arguments -> 'overrides'`)})
      from raised, remote where task.id = ${taskId} and remote.id = task.remote_id`.execute(db);
    return task;
  });
}

export async function enterStage(em: Em, taskId: number, stage: TaskStage): Promise<void> {
  await kysely(em)
    .updateTable('task')
    .set({ stage })
    .where('id', '=', taskId)
    .where('state', '=', 'RUNNING')
    .execute();
}
