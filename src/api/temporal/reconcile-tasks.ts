import type { Logger } from 'pino';
import type { Database } from '../../db/open-database.ts';
import { asOnlyReconciler, readOpenTasks, setRunId } from '../../db/tasks/open-tasks.ts';
import type { OpenTask } from '../../db/tasks/open-tasks.ts';
import { endTask } from '../../db/tasks/task-log.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { reconcileSchedules } from './reconcile-schedules.ts';
import type { WorkflowStarter } from '../../operations/workflows.ts';

export interface ReconcilerOptions {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly logger: Logger;
  /** Between two looks; default 5,000. */
  readonly everyMs?: number;
}

/** Tasks younger than this are left to the mutation that made them: it starts their workflow itself. */
const minAgeMs = 6_000;
const pageSize = 200;

/**
 * Makes task rows and Temporal agree (docs/design.md): looks now and then at the tasks that are not final. One whose workflow was never started is
 * started; one whose workflow is gone or was terminated becomes FAILED with the reason. Then the same for schedules.
 * @returns a function that ends the looking.
 */
export function startReconciler(options: ReconcilerOptions): () => Promise<void> {
  const stopping = new AbortController();
  const everyMs = options.everyMs ?? 5_000;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  const look = async () => {
    try {
      await asOnlyReconciler(options.database.em.fork(), async () => {
        await reconcile(options, stopping.signal);
        await reconcileSchedules(options, stopping.signal);
      });
    } catch (error) {
      // Temporal or the database are away: the next look comes
      options.logger.debug({ err: error }, 'could not compare tasks with Temporal');
    }
    if (!stopping.signal.aborted) timer = setTimeout(begin, everyMs);
  };
  const begin = () => {
    running = look();
  };
  begin();
  return async () => {
    stopping.abort();
    clearTimeout(timer);
    await running;
  };
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
  // one that a schedule started made its task itself
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
    });
    await setRunId(database.em.fork(), task.id, runId);
    logger.info({ taskId: task.id, workflowId: task.workflowId }, 'started a task that was waiting');
  } catch (error) {
    // an earlier run of this workflow is still ending: the next look finds the way free
    if (!isTidemarkError(error) || error.code !== 'SYNC_ALREADY_RUNNING') throw error;
  }
}
