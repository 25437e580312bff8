import type { TaskOutcome } from '../../../operations/tasks.ts';
import type { SyncDeps } from '../../../operations/syncs.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { toTaskType } from './task.type.ts';
import type { TaskPayload } from './task.type.ts';

export function syncDepsOf({ api }: RequestContext): SyncDeps {
  return { workflows: api.workflows, logger: api.logger, addresses: api.config };
}

/** The payload of an operation on a task, in its present state. */
export async function answerTask(
  context: RequestContext,
  operation: Promise<TaskOutcome>,
): Promise<TaskPayload> {
  const { taskId, mistakes } = await operation;
  if (taskId === undefined) return { task: null, userErrors: mistakes };
  forgetReads(context);
  const task = await context.loaders.tasks.load(taskId);
  return { task: task === undefined ? null : toTaskType(task), userErrors: mistakes };
}
