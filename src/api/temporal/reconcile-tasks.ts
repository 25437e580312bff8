import type { Logger } from 'pino';
import type { Database } from '../../db/open-database.ts';
import { asOnlyReconciler, readOpenTasks, setRunId } from '../../db/tasks/open-tasks.ts';
import type { OpenTask } from '../../db/tasks/open-tasks.ts';
import { endTask } from '../../db/tasks/task-log.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { repeat } from '../repeat.ts';
import { reconcileSchedules } from './reconcile-schedules.ts';
import type { WorkflowStarter } from '../../operations/workflows.ts';

export interface ReconcilerOptions {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly logger: Logger;
  /** Pause between two comparisons; default: 5,000. */
  readonly everyMs?: number;
}

/** Younger tasks are left to the mutation that created them, which starts their workflow itself. */
const minAgeMs = 6_000;
const pageSize = 200;

/**
 * Makes task rows and Temporal agree (docs/design.md): compares the tasks that are not final with Temporal, repeatedly. A workflow that was never
 * started is started; a task whose workflow is gone or was terminated becomes FAILED with the reason. Then the same for schedules.
 * @returns a function that stops it.
 */
export function startReconciler(options: ReconcilerOptions): () => Promise<void> {
  return repeat(async (signal) => {
    try {
      await asOnlyReconciler(options.database.em.fork(), async () => {
        await reconcile(options, signal);
        await reconcileSchedules(options, signal);
      });
    } catch (error) {
      options.logger.debug({ err: error }, 'could not compare tasks with Temporal');
    }
    return options.everyMs ?? 5_000;
  });
}

async function reconcile(options: ReconcilerOptions, signal: AbortSignal): Promise<void> {
  const em = options.database.em.fork();
  for (let afterId = 0; ;) {
    const page = await readOpenTasks(em, { minAgeMs, afterId, limit: pageSize });
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
    for (const task of page) {
      if (signal.aborted) return;
      await reconcileTask(options, task);
    }
  }
}

async function reconcileTask(options: ReconcilerOptions, task: OpenTask): Promise<void> {
  const { workflows, logger } = options;
  const em = options.database.em.fork();
  const run = await workflows.describeSync({ workflowId: task.workflowId, runId: task.runId });
  // A scheduled workflow has created its task itself.
  const isOwnRun = run.taskId === undefined && run.runId !== undefined && run.runId === task.runId;
  const isOurs = run.taskId === task.id || isOwnRun;
  if (isOurs && run.status === 'RUNNING') return;
  if (task.state === 'WAITING' && !isOurs) {
    await startAgain(options, task);
    return;
  }
  const what = isOurs ? `ended as ${run.status}` : 'is not known to Temporal any more';
  const ended = await endTask(em, logger, task.id, {
    state: 'FAILED',
    code: isOurs && run.status === 'TERMINATED' ? 'WORKFLOW_TERMINATED' : 'WORKFLOW_LOST',
    message: `The workflow ${task.workflowId} of this task ${what}, before the task was done. Nothing was changed; start it again.`,
  });
  if (ended)
    logger.warn({ taskId: task.id, workflowId: task.workflowId }, `failed a task whose workflow ${what}`);
}

async function startAgain({ database, workflows, logger }: ReconcilerOptions, task: OpenTask): Promise<void> {
  try {
    const { runId } = await workflows.startSync({
      taskId: task.id,
      workflowId: task.workflowId,
      repositoryName: task.repositoryName ?? '',
      remoteHost: task.upstreamHost,
      trigger: task.trigger ?? 'MANUAL',
      taskName: task.name,
      ruleName: task.ruleName,
    });
    await setRunId(database.em.fork(), task.id, runId);
    logger.info({ taskId: task.id, workflowId: task.workflowId }, 'started a task that was waiting');
  } catch (error) {
    // An earlier run of this workflow is still ending. The next comparison starts it.
    if (!isTidemarkError(error) || error.code !== 'SYNC_ALREADY_RUNNING') throw error;
  }
}
