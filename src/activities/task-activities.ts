import type { TaskStage } from '../db/schema/tasks.ts';
import { requireRunning, setRunId } from '../db/tasks/open-tasks.ts';
import { enterStage } from '../db/tasks/start-task.ts';
import { readNextInLine } from '../db/tasks/sync-turns.ts';
import { endTask } from '../db/tasks/task-log.ts';
import type { ActivityDeps, TaskInput } from './deps.ts';
import { runActivity } from './failure.ts';

/** What workflows record of their tasks, and read of those that wait. All are local activities. */
export function createTaskActivities(deps: ActivityDeps) {
  const fork = () => deps.database.em.fork();
  return {
    /** Records the workflow run of a task. */
    noteRun: ({ taskId, runId }: TaskInput & { runId: string }): Promise<void> =>
      runActivity(() => setRunId(fork(), taskId, runId)),

    enterStage: ({ taskId, stage }: TaskInput & { stage: TaskStage }): Promise<void> =>
      runActivity(async () => {
        await requireRunning(fork(), taskId);
        await enterStage(fork(), taskId, stage);
      }),

    failTask: ({ taskId, code, message }: TaskInput & { code: string; message: string }): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'FAILED', code, message });
      }),

    cancelTask: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'CANCELED' });
      }),

    /** Workflow ids of the syncs that may take the turn of this one, which has ended. */
    nextInLine: ({ taskId }: TaskInput): Promise<string[]> =>
      runActivity(() => readNextInLine(fork(), taskId, deps.syncsPerHost)),
  };
}
