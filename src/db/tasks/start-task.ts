import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { openWindows, windowState } from '../../timetables/windows.ts';
import type { SyncArguments, TaskStage, WaitReason } from '../schema/tasks.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { takeTurn, upstreamHost } from './sync-turns.ts';

/** An override of `includeTags` replaces all include rules and the limit to the newest tags. */
const replacedByTags = ['includeTagPatterns', 'semverRanges', 'newestTags'];

export interface StartedTask {
  /** Whether this call has started it. False if it was running, or has continued after a window. */
  readonly isNew: boolean;
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly arguments: SyncArguments;
}

/** Why a task cannot run now. */
export interface TaskWait {
  readonly waitsFor: WaitReason;
  /** Null: nobody knows. */
  readonly untilMs: number | null;
}

/** The wait of a task. */
export interface WaitingTask extends TaskWait {
  /** Whether it has run before. */
  readonly hasBegun: boolean;
}

export interface StartRules {
  readonly syncsPerHost: number;
  /** The time of the sync windows; default: now. */
  readonly nowMs?: number;
}

interface StartingTask extends Omit<StartedTask, 'isNew'> {
  readonly state: string;
  readonly startedAt: string | Date | null;
  readonly upstreamHost: string;
  readonly syncWindows: string[] | null;
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
 * remote's selection, which may change during the sync; a task that continues after a window keeps its own. Idempotent.
 * @returns a wait, which the task shows, outside of the remote's windows and while the host has its maximum of running syncs.
 * @throws TidemarkError `TASK_NOT_RUNNING` for a final task, `NOT_FOUND` if the task, its repository or its remote is
 * deleted.
 */
export async function startTask(
  em: Em,
  taskId: number,
  rules: StartRules,
): Promise<StartedTask | WaitingTask> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const {
      state,
      startedAt,
      upstreamHost: host,
      syncWindows,
      ...task
    } = await lockTask(transaction, taskId);
    if (state === 'RUNNING') return { ...task, isNew: false };
    if (state !== 'WAITING')
      throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is ${state} already.`, {
        origin: 'server',
      });
    const wait = await findWait(transaction, { id: taskId, upstreamHost: host, syncWindows }, rules);
    if (wait !== undefined) {
      await showWait(transaction, taskId, wait);
      return { ...wait, hasBegun: startedAt !== null };
    }
    await sql`
      with raised as (
        update repository set fence = fence + 1 where id = ${task.repositoryId} returning fence
      )
      update task set state = 'RUNNING', started_at = coalesce(started_at, clock_timestamp()), fence = raised.fence,
        waits_for = null, waits_until = null, upstream_host = ${host},
        arguments = case when task.arguments ? 'selection' then task.arguments
          else task.arguments || jsonb_build_object('selection', ${selectionOf(sql`task.arguments -> 'overrides'`)}) end
      from raised, remote where task.id = ${taskId} and remote.id = task.remote_id`.execute(db);
    return { ...task, isNew: startedAt === null };
  });
}

async function lockTask(em: Em, taskId: number): Promise<StartingTask> {
  const found = await sql<StartingTask>`
    select task.state, task.repository_id as "repositoryId", task.remote_id as "remoteId", task.arguments,
      task.started_at as "startedAt", ${upstreamHost} as "upstreamHost", remote.sync_windows as "syncWindows"
    from task join repository on repository.id = task.repository_id join remote on remote.id = task.remote_id
    where task.id = ${taskId} for update of repository, task`.execute(kysely(em));
  const [task] = found.rows;
  if (task !== undefined) return task;
  throw new TidemarkError('NOT_FOUND', `Task ${taskId}, its repository or its remote was deleted.`, {
    origin: 'server',
  });
}

async function findWait(
  em: Em,
  task: Pick<StartingTask, 'upstreamHost' | 'syncWindows'> & { readonly id: number },
  { syncsPerHost, nowMs = Date.now() }: StartRules,
): Promise<TaskWait | undefined> {
  const { isOpen, untilMs } = windowState(openWindows(task.syncWindows), nowMs);
  if (!isOpen) return { waitsFor: 'SYNC_WINDOW', untilMs: untilMs ?? null };
  return (await takeTurn(em, task, syncsPerHost)) ? undefined : { waitsFor: 'TURN', untilMs: null };
}

async function showWait(em: Em, taskId: number, { waitsFor, untilMs }: TaskWait): Promise<void> {
  await kysely(em)
    .updateTable('task')
    .set({
      state: 'WAITING',
      waits_for: waitsFor,
      waits_until: untilMs === null ? null : new Date(untilMs),
    })
    .where('id', '=', taskId)
    .where('state', 'in', ['WAITING', 'RUNNING'])
    .execute();
}

/** Whether a wait has stopped the task. */
export async function isPaused(em: Em, taskId: number): Promise<boolean> {
  const found = await kysely(em)
    .selectFrom('task')
    .select('id')
    .where('id', '=', taskId)
    .where('state', '=', 'WAITING')
    .execute();
  return found.length > 0;
}

/** Makes a RUNNING task WAITING. Its turn at the host is free for others. */
export async function pauseTask(em: Em, taskId: number, wait: TaskWait): Promise<void> {
  await showWait(em, taskId, wait);
}

export async function enterStage(em: Em, taskId: number, stage: TaskStage): Promise<void> {
  await kysely(em)
    .updateTable('task')
    .set({ stage })
    .where('id', '=', taskId)
    .where('state', '=', 'RUNNING')
    .execute();
}
