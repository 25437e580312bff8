import { readInstallation } from '../db/tasks/installation.ts';
import { createUpkeepTask } from '../db/tasks/upkeep-tasks.ts';
import type { UpkeepName } from '../db/tasks/upkeep-tasks.ts';
import { toGlobalId } from './global-id.ts';
import { mistake } from './mistakes.ts';
import type { Operator } from './operation.ts';
import { lacksRole } from './permit.ts';
import { refusedTask, startWorkflow } from './tasks.ts';
import type { TaskDeps, TaskOutcome } from './tasks.ts';

/** Starts a clean-up or a verification of everything, one at a time. Needs the role admin for everything. */
export async function startUpkeep(
  { em, viewer }: Operator,
  deps: TaskDeps,
  { name, dryRun }: { readonly name: UpkeepName; readonly dryRun: boolean },
): Promise<TaskOutcome> {
  const lacking = lacksRole(viewer, 'admin', '*', []);
  if (lacking.length > 0) return refusedTask(...lacking);
  const { task, isNew } = await createUpkeepTask(em.fork(), {
    name,
    arguments: { dryRun },
    workflowId: `${name.slice('content.'.length)}/${await readInstallation(em)}`,
  });
  if (!isNew) {
    const what = name === 'content.verify' ? 'A verification' : 'A garbage collection';
    const message = `${what} is running: the task ${toGlobalId('Task', task.id)}. Wait until it has ended, or cancel it.`;
    return { taskId: task.id, mistakes: [mistake('IN_USE', [], message)] };
  }
  await startWorkflow(deps, em, { task, repositoryName: '' });
  return { taskId: task.id, mistakes: [] };
}
