import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { Em } from '../open-database.ts';
import type { Identity } from '../schema/columns/identity.ts';
import { Task } from '../schema/tasks.ts';
import { currentTrace } from '../../telemetry/trace-context.ts';
import { kysely } from '../sql.ts';
import { ownInstallation } from '../tasks/installation.ts';

export const ruleTaskName = 'rule.run';

interface NewRun {
  readonly ruleId: number;
  readonly dryRun: boolean;
  readonly allowPrivate: boolean;
  /** The caller whose rights it has. */
  readonly startedBy: Identity | null;
  /** Of a scheduled run. */
  readonly workflow?: { readonly workflowId: string; readonly runId: string };
}

/**
 * Inserts a WAITING run of a rule, unless one is open.
 * @returns the new or the open task.
 */
export async function createRuleTask(
  em: Em,
  { ruleId, dryRun, allowPrivate, startedBy, workflow }: NewRun,
): Promise<{ task: Task; isNew: boolean }> {
  const given = { dryRun, allowPrivate, ...(workflow === undefined ? {} : { trigger: 'SCHEDULE' }) };
  for (;;) {
    const inserted = await sql<{ id: number }>`
      insert into task (name, rule_id, arguments, workflow_id, run_id, started_by, trace_id)
      values (${ruleTaskName}, ${ruleId}, ${JSON.stringify(given)}::jsonb, coalesce(${workflow?.workflowId ?? null}::text, 'rule/' || ${ownInstallation} || '/' || ${ruleId}::bigint),
        ${workflow?.runId ?? null}, ${startedBy === null ? null : JSON.stringify(startedBy)}::jsonb, ${currentTrace()?.traceId ?? null})
      on conflict (rule_id) where name = 'rule.run' and state in ('WAITING', 'RUNNING') do nothing
      returning id`.execute(kysely(em));
    const row = inserted.rows[0];
    if (row) return { task: await em.findOneOrFail(Task, { id: row.id }), isNew: true };
    const running = await em.findOne(Task, {
      ruleId,
      name: ruleTaskName,
      state: { $in: ['WAITING', 'RUNNING'] },
    });
    if (running) return { task: running, isNew: false };
  }
}

/**
 * Makes a WAITING run RUNNING. Idempotent.
 * @throws TidemarkError `TASK_NOT_RUNNING` for a final one, and for one whose rule is deleted.
 */
export async function beginRuleRun(em: Em, taskId: number): Promise<{ readonly dryRun: boolean }> {
  const begun = await sql<{ dryRun: boolean }>`
    update task set state = 'RUNNING', started_at = coalesce(started_at, now()), report = coalesce(report, '{}')
    where id = ${taskId} and state in ('WAITING', 'RUNNING') and rule_id is not null
    returning (arguments ->> 'dryRun')::boolean as "dryRun"`.execute(kysely(em));
  const row = begun.rows[0];
  if (row !== undefined) return row;
  throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is final, or its rule was deleted.`, {
    origin: 'server',
  });
}

/** Counts of a run; given ones replace those before. */
export async function setRuleReport(
  em: Em,
  taskId: number,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  await sql`
    update task set report = coalesce(report, '{}') || ${JSON.stringify(counts)}::jsonb where id = ${taskId}`.execute(
    kysely(em),
  );
}
