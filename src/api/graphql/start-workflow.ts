import { Task } from '../../db/schema/entities.ts';
import { addWarnings } from '../../db/task-warnings.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { forgetReads } from './context.ts';
import type { RequestContext } from './context.ts';
import { TaskPayload, toTaskType } from './tasks/task.type.ts';
import type { UserError } from './user-error.type.ts';

/** A task that cannot be started now stays WAITING: the reconciler starts it once Temporal answers. */
export async function startWorkflow(
  context: RequestContext,
  task: Task,
  repositoryName: string,
): Promise<void> {
  const { api, em } = context;
  try {
    const { runId } = await api.workflows.startSync({
      taskId: task.id,
      workflowId: task.workflowId,
      repositoryName,
      remoteHost: task.upstreamHost ?? null,
      trigger: task.arguments.trigger ?? 'MANUAL',
      taskName: task.name,
    });
    await em.fork().nativeUpdate(Task, { id: task.id }, { runId });
  } catch (error) {
    api.logger.warn({ err: error, taskId: task.id }, 'the workflow of a task could not be started yet');
    const isBusy = isTidemarkError(error) && error.code === 'SYNC_ALREADY_RUNNING';
    const message = isBusy
      ? 'The workflow of the task before has not ended yet; the task is queued and starts when it has.'
      : 'Temporal could not be reached; the task is queued and starts when it can.';
    await addWarnings(em.fork(), task.id, [message]);
  }
}

/** As it is now, for the answer. */
export async function reload(context: RequestContext, taskId: number): Promise<Task> {
  forgetReads(context);
  const task = await context.loaders.tasks.load(taskId);
  if (task === undefined) throw new Error('a task vanished right after it was read');
  return task;
}

export function payload(task: Task | undefined, userErrors: UserError[]): TaskPayload {
  return Object.assign(new TaskPayload(), { task: task === undefined ? null : toTaskType(task), userErrors });
}
