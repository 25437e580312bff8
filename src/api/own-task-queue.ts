import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { TidemarkError } from '../oci/error.ts';
import { collectWorkflowType } from '../workflows/upkeep-input.ts';
import { callTemporal, unavailable } from './temporal/temporal-call.ts';

export interface TaskQueueClaim {
  readonly client: Client;
  readonly taskQueue: string;
  /** The id of the installation that claims the queue. */
  readonly installation: string;
}

/**
 * Creates a function that claims a task queue for an installation and resolves when it owns the queue. The result is cached. While Temporal
 * is unreachable, each call tries again.
 * A worker takes all tasks of its queue, and tasks are rows of its own database. So a queue belongs to one installation. Temporal stores
 * the owner in the memo of a paused schedule: its creation is atomic, and no retention period removes it.
 */
export function createTaskQueueClaim(claim: TaskQueueClaim): () => Promise<void> {
  let claimed: Promise<void> | undefined;
  return () => {
    claimed ??= claimTaskQueue(claim).catch((error: unknown) => {
      claimed = undefined;
      throw error;
    });
    return claimed;
  };
}

/** @throws TidemarkError `TASK_QUEUE_TAKEN` if another installation owns it, `TEMPORAL_UNAVAILABLE` */
async function claimTaskQueue({ client, taskQueue, installation }: TaskQueueClaim): Promise<void> {
  const scheduleId = markerOf(taskQueue);
  for (;;) {
    try {
      await callTemporal(client, () =>
        client.schedule.create({
          scheduleId,
          spec: {},
          // Never due. A manual trigger runs one garbage collection.
          action: { type: 'startWorkflow', workflowType: collectWorkflowType, taskQueue, args: [{}] },
          state: {
            paused: true,
            note: `Keeps the task queue for the Tidemark installation ${installation}.`,
          },
          memo: { installation },
        }),
      );
      return;
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw unavailable(error);
    }
    const owner = await readOwner(client, scheduleId);
    if (owner === installation) return;
    if (owner !== undefined)
      throw taken(taskQueue, { owner, installation, namespace: client.options.namespace });
  }
}

function markerOf(taskQueue: string): string {
  return `tidemark/${taskQueue}`;
}

/** Undefined if it was removed at this moment. */
async function readOwner(client: Client, scheduleId: string): Promise<string | undefined> {
  try {
    const { memo } = await callTemporal(client, () => client.schedule.getHandle(scheduleId).describe());
    return String(memo?.['installation']);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw unavailable(error);
  }
}

function taken(
  taskQueue: string,
  { owner, installation, namespace }: Record<'owner' | 'installation' | 'namespace', string>,
): TidemarkError {
  return new TidemarkError(
    'TASK_QUEUE_TAKEN',
    `The task queue "${taskQueue}" of the Temporal namespace "${namespace}" belongs to the Tidemark installation ${owner}; this database is ` +
      `the installation ${installation}. Set TIDEMARK_TASK_QUEUE to a queue of its own, on the API and on every worker. If the other ` +
      `installation is gone, delete the Temporal schedule "${markerOf(taskQueue)}" and start again.`,
    { origin: 'caller' },
  );
}
