import type { Context } from '@temporalio/activity';
import { beginUpkeep, createUpkeepTask } from '../../db/tasks/upkeep-tasks.ts';
import type { UpkeepName } from '../../db/tasks/upkeep-tasks.ts';
import { requireRunning } from '../../db/tasks/open-tasks.ts';
import { endTask } from '../../db/tasks/task-log.ts';
import { collectContent, collectFiles, collectVersions, planCollection } from './collect.ts';
import type { ActivityDeps, TaskInput } from '../deps.ts';
import { runActivity, runWithHeartbeat } from '../failure.ts';
import { verifyContent } from './verify.ts';
import type { VerifyPosition } from './verify.ts';

export interface BegunUpkeep extends TaskInput {
  readonly dryRun: boolean;
}

/** The activities of garbage collection and verification. */
export function createUpkeepActivities(deps: ActivityDeps) {
  const fork = () => deps.database.em.fork();
  /** @throws TidemarkError `TASK_NOT_RUNNING` */
  const working = <T>(
    { taskId }: TaskInput,
    body: (signal: AbortSignal, context: Context) => Promise<T>,
    details?: (context: Context) => unknown,
  ): Promise<T> =>
    runWithHeartbeat(async (signal, context) => {
      await requireRunning(fork(), taskId);
      return body(signal, context);
    }, details);
  const runOf = ({ taskId }: TaskInput) => ({ taskId, graceSeconds: deps.collectionGraceSeconds });

  return {
    /** Starts the task, or creates one for a scheduled run. Null while a task of this kind is running. Local. */
    beginUpkeep: (input: Partial<TaskInput> & { readonly name: UpkeepName }): Promise<BegunUpkeep | null> =>
      runActivity(async ({ info }) => {
        const taskId = input.taskId ?? (await taskOfRun(deps, input.name, info));
        if (taskId === undefined) return null;
        const { dryRun } = await beginUpkeep(
          fork(),
          taskId,
          input.name === 'content.collect' ? { graceSeconds: deps.collectionGraceSeconds } : {},
        );
        return { taskId, dryRun };
      }),

    planCollection: (input: TaskInput): Promise<void> =>
      working(input, () => planCollection(deps, runOf(input))),

    collectVersions: (input: TaskInput): Promise<void> =>
      working(input, (signal) => collectVersions(deps, runOf(input), signal)),

    /** Manifests and blobs. */
    collectUnheld: (input: TaskInput): Promise<void> =>
      working(input, (signal) => collectContent(deps, runOf(input), signal)),

    collectFiles: (input: TaskInput & { readonly dryRun: boolean }): Promise<void> =>
      working(input, (signal) => collectFiles(deps, { ...runOf(input), dryRun: input.dryRun }, signal)),

    /** The position is a heartbeat detail: the next attempt continues there. */
    verifyStored: ({ taskId }: TaskInput): Promise<void> => {
      let position: Partial<VerifyPosition> = {};
      const onPage = (reached: VerifyPosition): void => void (position = reached);
      const work = (signal: AbortSignal, context: Context): Promise<void> => {
        const from = { afterManifest: 0, afterBlob: 0, ...detailsOf(context) };
        return verifyContent(deps, { taskId, from, onPage }, signal);
      };
      return working({ taskId }, work, (context) => ({ ...detailsOf(context), ...position }));
    },

    /** Local. */
    completeUpkeep: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'COMPLETED', createdVersion: null });
      }),
  };
}

const detailsOf = ({ info }: Context) => info.heartbeatDetails as object | undefined;

/** The task of a scheduled run. An earlier attempt may have created it. */
async function taskOfRun(
  deps: ActivityDeps,
  name: UpkeepName,
  { workflowExecution }: Context['info'],
): Promise<number | undefined> {
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const wish = { name, arguments: { dryRun: false, trigger: 'SCHEDULE' }, workflowId, runId } as const;
  const { task, isNew } = await createUpkeepTask(deps.database.em.fork(), wish);
  return isNew || task.runId === runId ? task.id : undefined;
}
