import { visibilityOf } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { readNamed } from '../db/reads/read-named.ts';
import { readTasks } from '../db/reads/read-tasks.ts';
import { Repository } from '../db/schema/repositories.ts';
import { MirrorRule } from '../db/schema/rules.ts';
import { Task } from '../db/schema/tasks.ts';
import { endTask } from '../db/tasks/task-log.ts';
import type { TaskLog } from '../db/tasks/task-log.ts';
import { addWarnings } from '../db/tasks/task-warnings.ts';
import { isTidemarkError } from '../oci/error.ts';
import { mistake, noSuchId } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import type { Operator, Reference } from './operation.ts';
import { lacksRole } from './permit.ts';
import type { WorkflowStarter } from './workflows.ts';

/** What tasks are started and ended with. */
export interface TaskDeps {
  readonly workflows: WorkflowStarter;
  readonly logger: TaskLog;
}

/** The result of an operation on a task. Both are there where another task is in the way. */
export interface TaskOutcome {
  readonly taskId: number | undefined;
  readonly mistakes: Mistake[];
}

export function refusedTask(...mistakes: readonly Mistake[]): TaskOutcome {
  return { taskId: undefined, mistakes: [...mistakes] };
}

interface StartedTask {
  readonly task: Task;
  readonly repositoryName: string;
  /** Of the run of a mirror rule. */
  readonly ruleName?: string;
}

/** Starts the workflow of a committed task. If Temporal cannot be reached, the task stays WAITING and the reconciler starts it later. */
export async function startWorkflow(
  { workflows, logger }: TaskDeps,
  em: Em,
  { task, repositoryName, ruleName }: StartedTask,
): Promise<void> {
  try {
    const { runId } = await workflows.startSync({
      taskId: task.id,
      workflowId: task.workflowId,
      repositoryName,
      remoteHost: task.upstreamHost ?? null,
      trigger: task.arguments.trigger ?? 'MANUAL',
      taskName: task.name,
      ...(ruleName === undefined ? {} : { ruleName }),
    });
    await em.fork().nativeUpdate(Task, { id: task.id }, { runId });
  } catch (error) {
    logger.warn({ err: error, taskId: task.id }, 'the workflow of a task could not be started yet');
    const isBusy = isTidemarkError(error) && error.code === 'SYNC_ALREADY_RUNNING';
    const message = isBusy
      ? 'The workflow of the previous task has not ended yet. The task is queued and starts when it has.'
      : 'Temporal is unreachable. The task is queued and starts when Temporal is reachable again.';
    await addWarnings(em.fork(), task.id, [message]);
  }
}

/** Needs the role maintainer for the task's repository, and for everything where it has none. */
export async function cancelTask(
  { em, viewer }: Operator,
  deps: TaskDeps,
  { key, field, text }: Reference,
): Promise<TaskOutcome> {
  const [found] = key === undefined ? [] : await readTasks(em.fork(), visibilityOf(viewer), [key]);
  // read again, as it is now
  const task = found === undefined ? null : await em.fork().findOne(Task, { id: found.id });
  if (task === null) return refusedTask(noSuchId('task', 'tasks', { field, text }));
  const outcome = { taskId: task.id, mistakes: [] };
  // before the role: whoever started a first sync cancels it, which deletes its repository, and may ask again
  if (task.state === 'CANCELED') return outcome;
  if (task.state === 'COMPLETED' || task.state === 'FAILED') {
    const message = `The task is ${task.state}. Only a task that is WAITING or RUNNING can be canceled.`;
    return refusedTask(mistake('INVALID', [field], message));
  }
  const lacking = lacksRole(viewer, 'maintainer', await nameOfTask(em, viewer, task), field);
  if (lacking.length > 0) return refusedTask(...lacking);
  // a task without a workflow is ended here
  if (!(await cancelRun(deps.workflows, task)))
    await endTask(em.fork(), deps.logger, task.id, { state: 'CANCELED' });
  return outcome;
}

/** The name of its repository or mirror rule; `*` where it has none. */
async function nameOfTask(em: Em, viewer: Viewer, { repositoryId, ruleId }: Task): Promise<string> {
  if (typeof ruleId === 'number') {
    const [rule] = await readNamed(em.fork(), visibilityOf(viewer), MirrorRule, [ruleId]);
    return rule?.name ?? '*';
  }
  if (typeof repositoryId !== 'number') return '*';
  const [repository] = await readNamed(em.fork(), visibilityOf(viewer), Repository, [repositoryId]);
  return repository?.name ?? '*';
}

/** Whether the task's own run was there to be cancelled. Without a run id, the workflow may be running for another task. */
async function cancelRun(workflows: WorkflowStarter, { id, workflowId, runId }: Task): Promise<boolean> {
  if (typeof runId === 'string') return workflows.cancelSync({ workflowId, runId });
  const latest = await workflows.describeSync({ workflowId });
  return latest.taskId === id && workflows.cancelSync({ workflowId, runId: latest.runId });
}
