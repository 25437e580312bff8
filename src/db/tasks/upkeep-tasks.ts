import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { Task } from '../schema/tasks.ts';
import type { UpkeepArguments, UpkeepReport } from '../schema/tasks.ts';
import type { Em } from '../open-database.ts';
import { currentTrace } from '../../telemetry/trace-context.ts';
import { kysely } from '../sql.ts';

/** One task of each kind runs at a time. */
export type UpkeepName = 'content.collect' | 'content.verify';

/**
 * Inserts a WAITING task, unless one of its kind is open.
 * @returns the new or the open task.
 */
export async function createUpkeepTask(
  em: Em,
  input: {
    readonly name: UpkeepName;
    readonly arguments: UpkeepArguments;
    readonly workflowId: string;
    readonly runId?: string;
  },
): Promise<{ task: Task; isNew: boolean }> {
  for (;;) {
    const inserted = await sql<{ id: number }>`
      insert into task (name, arguments, workflow_id, run_id, trace_id)
      values (${input.name}, ${JSON.stringify(input.arguments)}::jsonb, ${input.workflowId}, ${input.runId ?? null}, ${currentTrace()?.traceId ?? null})
      on conflict (name) where name in ('content.collect', 'content.verify') and state in ('WAITING', 'RUNNING') do nothing
      returning id`.execute(kysely(em));
    const row = inserted.rows[0];
    if (row) return { task: await em.findOneOrFail(Task, { id: row.id }), isNew: true };
    const running = await em.findOne(Task, {
      name: input.name,
      state: { $in: ['WAITING', 'RUNNING'] },
    });
    if (running) return { task: running, isNew: false };
  }
}

/**
 * Makes a WAITING task RUNNING. Idempotent.
 * @param known The initial report.
 * @throws TidemarkError `TASK_NOT_RUNNING` for a final one.
 */
export async function beginUpkeep(
  em: Em,
  taskId: number,
  known: UpkeepReport = {},
): Promise<UpkeepArguments> {
  const begun = await sql<{ arguments: UpkeepArguments }>`
    update task set state = 'RUNNING', started_at = coalesce(started_at, now()),
      report = coalesce(report, '{}'::jsonb) || ${JSON.stringify(known)}::jsonb
    where id = ${taskId} and state in ('WAITING', 'RUNNING') returning arguments`.execute(kysely(em));
  const row = begun.rows[0];
  if (row !== undefined) return row.arguments;
  throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is final, or was deleted.`, {
    origin: 'server',
  });
}

/**
 * Adds to the report of a task. Call it in the transaction of the counted work, so that a repeated step is counted once.
 */
export async function addToReport(
  em: Em,
  taskId: number,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const entries = Object.entries(counts).filter(([, count]) => count !== 0);
  if (entries.length === 0) return;
  await sql`
    update task set report = coalesce(report, '{}'::jsonb) || (
      select jsonb_object_agg(name, coalesce((task.report ->> name)::bigint, 0) + count)
      from unnest(${entries.map(([name]) => name)}::text[], ${entries.map(([, count]) => count)}::bigint[]) as more(name, count))
    where id = ${taskId}`.execute(kysely(em));
}
