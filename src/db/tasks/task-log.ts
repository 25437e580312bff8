import { sql } from 'kysely';
import { taskEnded } from '../../telemetry/events.ts';
import type { UpkeepReport } from '../schema/tasks.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { finishTask } from './tasks.ts';
import type { TaskOutcome } from './tasks.ts';

export interface TaskLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface TaskNames {
  readonly name: string;
  readonly repository: string | null;
  readonly remote: string | null;
  readonly trigger: 'MANUAL' | 'SCHEDULE';
  readonly mirror: boolean;
  readonly dryRun: boolean;
}

/** Counts over all steps of a task. */
interface TaskEnd {
  readonly outcome: string;
  readonly version: number | null;
  readonly tags: number;
  readonly manifests: number;
  /** Fetched blobs. */
  readonly blobs: number;
  readonly bytes: number;
  readonly blobsReused: number;
  readonly bytesReused: number;
  readonly seconds: number;
  /** Counts of a clean-up or a verification. */
  readonly report: UpkeepReport | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** The id of a task as the API and the command line write it. */
export function taskKey(taskId: number): string {
  return Buffer.from(`Task:${taskId}`).toString('base64url');
}

/** The page of a task in the web console, if its address is known. */
export function taskLink(
  { publicUrl }: { readonly publicUrl?: string | undefined },
  taskId: number,
): { readonly taskUrl?: string } {
  return publicUrl === undefined
    ? {}
    : { taskUrl: `${publicUrl.replace(/\/$/, '')}/tasks/${taskKey(taskId)}` };
}

export async function readTaskNames(em: Em, taskId: number): Promise<TaskNames | undefined> {
  const found = await sql<TaskNames>`
    select ${taskNames} from task left join repository on repository.id = task.repository_id where task.id = ${taskId}`.execute(
    kysely(em),
  );
  return found.rows[0];
}

const taskNames = sql`
  task.name, repository.name as repository, upstream_host as remote, coalesce(arguments ->> 'trigger', 'MANUAL') as trigger,
  coalesce((arguments ->> 'mirror')::boolean, false) as mirror, coalesce((arguments ->> 'dryRun')::boolean, false) as "dryRun"`;

async function readEnd(
  em: Em,
  taskId: number,
): Promise<{ readonly names: TaskNames; readonly end: TaskEnd } | undefined> {
  const found = await sql<{ names: TaskNames; end: TaskEnd }>`
    with counted as (
      select coalesce(sum(tags_done), 0)::bigint as tags, coalesce(sum(manifests_done), 0)::bigint as manifests,
        greatest(0, coalesce(sum(blobs_done - blobs_reused), 0))::bigint as blobs,
        greatest(0, coalesce(sum(bytes_done - bytes_reused), 0))::bigint as bytes,
        coalesce(sum(blobs_reused), 0)::bigint as "blobsReused", coalesce(sum(bytes_reused), 0)::bigint as "bytesReused"
      from task_progress where task_id = ${taskId}
    )
    select to_json(names) as names, to_json(ending) as "end"
    from task left join repository on repository.id = task.repository_id,
      lateral (select ${taskNames}) as names,
      lateral (
        select state as outcome, created_version as version, counted.*, report, error_code as code, error_message as reason,
          round(extract(epoch from finished_at - coalesce(started_at, task.created_at)), 1)::float as seconds from counted
      ) as ending
    where task.id = ${taskId}`.execute(kysely(em));
  return found.rows[0];
}

function titleOf({ name, repository }: TaskNames): string {
  return name === 'repository.sync' ? `sync of ${repository ?? 'a repository that is gone'}` : name;
}

function fieldsOf({ name, ...names }: TaskNames, taskId: number): object {
  return { task: taskKey(taskId), taskId, name, ...names };
}

export async function logTaskBegun(em: Em, log: TaskLog, taskId: number): Promise<void> {
  await telling(log, taskId, async () => {
    const names = await readTaskNames(em, taskId);
    if (names !== undefined)
      log.info({ event: 'task.begun', ...fieldsOf(names, taskId) }, `${titleOf(names)} began`);
  });
}

/** @param before The names before the end, which may delete the repository. */
export async function logTaskEnded(em: Em, log: TaskLog, taskId: number, before?: TaskNames): Promise<void> {
  await telling(log, taskId, async () => {
    const ended = await readEnd(em, taskId);
    if (ended === undefined) return;
    const { end } = ended;
    const names = before ?? ended.names;
    const { name, trigger } = names;
    taskEnded.publish({ name, trigger, outcome: end.outcome, code: end.code, seconds: end.seconds });
    const { outcome, version, tags, bytes, seconds, report, code, reason } = end;
    const fields = { event: 'task.ended', ...fieldsOf(names, taskId), ...end };
    const made = version === null ? '' : `, version ${version}`;
    const counts = report === null ? { tags, 'bytes fetched': bytes } : report;
    const counted = Object.entries({ ...counts, seconds }).map(([what, count]) => `${what}: ${count}`);
    const message = `${titleOf(names)} ended: ${outcome}${made}, ${counted.join(', ')}`;
    if (outcome === 'FAILED') log.warn(fields, `${message}. ${code}: ${reason}`);
    else log.info(fields, message);
  });
}

/** A failure to log must not undo the work. */
async function telling(log: TaskLog, taskId: number, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    log.warn({ err: error, task: taskKey(taskId) }, 'could not log what became of a task');
  }
}

/** Logs only if this call ended the task. */
export async function endTask(em: Em, log: TaskLog, taskId: number, outcome: TaskOutcome): Promise<boolean> {
  const names = await readTaskNames(em, taskId);
  const ended = await finishTask(em, taskId, outcome);
  if (ended) await logTaskEnded(em, log, taskId, names);
  return ended;
}
