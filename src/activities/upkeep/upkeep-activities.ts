import type { Context } from '@temporalio/activity';
import { beginUpkeep, createUpkeepTask } from '../../db/tasks/upkeep-tasks.ts';
import type { UpkeepName } from '../../db/tasks/upkeep-tasks.ts';
import { requireRunning } from '../../db/tasks/open-tasks.ts';
import { endTask } from '../../db/tasks/task-log.ts';
import { collectContent, collectFiles, collectVersions, planCollection } from './collect.ts';
import type { ActivityDeps } from '../deps.ts';
import { runActivity } from '../failure.ts';
import { verifyContent } from './verify.ts';
import type { VerifyPosition } from './verify.ts';

interface TaskInput {
  readonly taskId: number;
}

export interface BegunUpkeep extends TaskInput {
  readonly dryRun: boolean;
}

/** The activities that look after what is stored; part of those of `createActivities`. */
export function createUpkeepActivities(deps: ActivityDeps) {
  const fork = () => deps.database.em.fork();
  /** For a task that runs. @throws TidemarkError `TASK_NOT_RUNNING` */
  const working = <T>({ taskId }: TaskInput, body: (context: Context) => Promise<T>): Promise<T> =>
    runActivity(async (context) => {
      await requireRunning(fork(), taskId);
      return body(context);
    });
  const runOf = ({ taskId }: TaskInput) => ({ taskId, graceSeconds: deps.collectionGraceSeconds });

  return {
    /** Takes the task, or makes one for a run that a schedule started; null where one of its kind is running. Local. */
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
      working(input, (context) => beating(context, () => planCollection(deps, runOf(input)))),

    collectVersions: (input: TaskInput): Promise<void> =>
      working(input, (context) => beating(context, (signal) => collectVersions(deps, runOf(input), signal))),

    /** Manifests and blobs. */
    collectUnheld: (input: TaskInput): Promise<void> =>
      working(input, (context) => beating(context, (signal) => collectContent(deps, runOf(input), signal))),

    collectFiles: (input: TaskInput & { readonly dryRun: boolean }): Promise<void> =>
      working(input, (context) =>
        beating(context, (signal) => collectFiles(deps, { ...runOf(input), dryRun: input.dryRun }, signal)),
      ),

    /** Goes on where an attempt before was cut off. */
    verifyStored: ({ taskId }: TaskInput): Promise<void> =>
      working({ taskId }, (context) => {
        let details = { ...(context.info.heartbeatDetails as object | undefined) };
        const from: VerifyPosition = { afterManifest: 0, afterBlob: 0, ...details };
        const onPage = (position: VerifyPosition): void => {
          details = { ...details, ...position };
        };
        return beating(
          context,
          (signal) => verifyContent(deps, { taskId, from, onPage }, signal),
          () => details,
        );
      }),

    /** Local. */
    completeUpkeep: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        await endTask(fork(), deps.logger, taskId, { state: 'COMPLETED', createdVersion: null });
      }),
  };
}

/** The task of a run that a schedule started; an attempt before may have made it. */
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

const beatEveryMs = 1_000;

async function beating<T>(
  context: Context,
  body: (signal: AbortSignal) => Promise<T>,
  details: () => unknown = () => context.info.heartbeatDetails,
): Promise<T> {
  const timer = setInterval(() => context.heartbeat(details()), beatEveryMs);
  try {
    return await body(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}
