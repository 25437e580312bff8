import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A task that is not final. */
export interface OpenTask {
  readonly id: number;
  readonly name: string;
  readonly state: 'WAITING' | 'RUNNING';
  readonly workflowId: string;
  readonly runId: string | null;
  readonly repositoryName: string | null;
  /** Of the run of a mirror rule. */
  readonly ruleName: string | null;
  readonly upstreamHost: string | null;
  readonly trigger: 'SCHEDULE' | null;
}

/** Tasks that are not final and are older than `minAgeMs`, oldest first. */
export async function readOpenTasks(
  em: Em,
  page: { readonly minAgeMs: number; readonly afterId: number; readonly limit: number },
): Promise<OpenTask[]> {
  const result = await sql<OpenTask>`
    select task.id, task.name, task.state, task.workflow_id as "workflowId", task.run_id as "runId", repository.name as "repositoryName",
      task.upstream_host as "upstreamHost", task.arguments ->> 'trigger' as trigger, rule.name as "ruleName"
    from task left join repository on repository.id = task.repository_id left join mirror_rule rule on rule.id = task.rule_id
    where task.state in ('WAITING', 'RUNNING') and task.id > ${page.afterId}
      and task.created_at < now() - make_interval(secs => ${page.minAgeMs / 1000})
    order by task.id limit ${page.limit}`.execute(kysely(em));
  return result.rows;
}

/**
 * A workflow that is reset or still runs after its task ended must do nothing.
 * @throws TidemarkError `TASK_NOT_RUNNING`
 */
export function assertRunning({ id, state }: { readonly id: number; readonly state: string }): void {
  if (state === 'RUNNING') return;
  throw new TidemarkError(
    'TASK_NOT_RUNNING',
    `Task ${id} is ${state}: its workflow does nothing. Start a new sync or clean-up instead of resetting the workflow.`,
    { origin: 'server' },
  );
}

/** @throws TidemarkError `TASK_NOT_RUNNING` */
export async function requireRunning(em: Em, taskId: number): Promise<void> {
  const found = await kysely(em).selectFrom('task').select('state').where('id', '=', taskId).execute();
  assertRunning({ id: taskId, state: found[0]?.state ?? 'not there' });
}

export async function setRunId(em: Em, taskId: number, runId: string): Promise<void> {
  await kysely(em).updateTable('task').set({ run_id: runId }).where('id', '=', taskId).execute();
}

export async function setRunIds(
  em: Em,
  runs: readonly { readonly taskId: number; readonly runId: string }[],
): Promise<void> {
  if (runs.length === 0) return;
  await sql`
    update task set run_id = run."runId" from jsonb_to_recordset(${JSON.stringify(runs)}::jsonb) as run("taskId" bigint, "runId" text)
    where task.id = run."taskId"`.execute(kysely(em));
}

/** An arbitrary number that no other lock uses. */
const reconcileLock = 7_203_116;

/**
 * Runs `work` in a transaction unless another process does so now.
 * @returns whether it ran.
 */
export async function asOnlyReconciler(em: Em, work: () => Promise<void>): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const got = await sql<{
      got: boolean;
    }>`select pg_try_advisory_xact_lock(${reconcileLock}) as got`.execute(kysely(transaction));
    if (got.rows[0]?.got !== true) return false;
    await work();
    return true;
  });
}
