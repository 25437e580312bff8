import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { TidemarkError } from '../../oci/error.ts';
import { createScheduleClient } from './schedule-client.ts';
import type { ScheduleKeeper } from './schedule-client.ts';
import { callTemporal, unavailable } from './temporal-call.ts';
import type { WorkflowClientOptions } from './temporal-call.ts';
import { summarizeSync, syncWorkflowType } from '../../workflows/sync-input.ts';
import type { SyncInput, SyncTrigger } from '../../workflows/sync-input.ts';
import { upkeepWorkflowTypes } from '../../workflows/upkeep-input.ts';

export interface SyncStart {
  readonly taskId: number;
  /** `sync/<installation>/<repository id>` */
  readonly workflowId: string;
  readonly repositoryName: string;
  /** For the Temporal UI: host and port of the upstream. */
  readonly remoteHost?: string | null;
  /** Default: `MANUAL`. */
  readonly trigger?: SyncTrigger;
  /** The task's name where it is no sync: `content.collect`, `content.verify`. */
  readonly taskName?: string;
}

/** One run of a task's workflow; without run id the latest. */
export interface SyncRun {
  readonly workflowId: string;
  readonly runId?: string | null | undefined;
}

/** Temporal's word for how far a run is; `NOT_FOUND` where Temporal knows none (any more). */
export interface SyncDescription {
  readonly status: string;
  readonly runId: string | undefined;
  /** The task that the run works for. */
  readonly taskId: number | undefined;
}

/** What the API asks of Temporal. Every call ends within 5 seconds. */
export interface WorkflowStarter {
  /**
   * Starts the sync of a task. When it was started already for the same task, that run is answered.
   * @throws TidemarkError `SYNC_ALREADY_RUNNING` when the workflow runs for another task, `TEMPORAL_UNAVAILABLE` (retryable) when
   * Temporal cannot be reached.
   */
  startSync(start: SyncStart): Promise<{ readonly runId: string }>;
  /** Asks for cancellation. False: there is no such run, or it has ended. @throws TidemarkError `TEMPORAL_UNAVAILABLE` */
  cancelSync(run: SyncRun): Promise<boolean>;
  /** @throws TidemarkError `TEMPORAL_UNAVAILABLE` */
  describeSync(run: SyncRun): Promise<SyncDescription>;
  readonly schedules: ScheduleKeeper;
}

/** The task before may be final while its workflow still closes: so long is waited for that. */
const endingMs = 3_000;
const endingPollMs = 20;

export function createWorkflowClient({ client, taskQueue, own }: WorkflowClientOptions): WorkflowStarter {
  const call = <T>(work: () => Promise<T>): Promise<T> => callTemporal(client, work);

  async function describeSync(run: SyncRun): Promise<SyncDescription> {
    try {
      const found = await call(() =>
        client.workflow.getHandle(run.workflowId, run.runId ?? undefined).describe(),
      );
      const { taskId } = (found.memo ?? {}) as { taskId?: unknown };
      return {
        status: found.status.name,
        runId: found.runId,
        taskId: typeof taskId === 'number' ? taskId : undefined,
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        return { status: 'NOT_FOUND', runId: undefined, taskId: undefined };
      throw unavailable(error);
    }
  }

  /** Undefined: a run of this id is open. */
  async function tryStart(start: SyncStart): Promise<string | undefined> {
    const {
      taskId,
      workflowId,
      repositoryName,
      taskName = '',
      remoteHost = null,
      trigger = 'MANUAL',
    } = start;
    const names = { repositoryName, remoteHost, trigger };
    const upkeepType = upkeepWorkflowTypes.get(taskName);
    const input: SyncInput = { taskId, repositoryName };
    try {
      const handle = await call(() =>
        client.workflow.start(upkeepType ?? syncWorkflowType, {
          workflowId,
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          memo: upkeepType === undefined ? { taskId, ...names } : { taskId, trigger },
          staticSummary: upkeepType === undefined ? summarizeSync(names) : taskName,
        }),
      );
      return handle.firstExecutionRunId;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
      throw unavailable(error);
    }
  }

  return {
    async startSync(start) {
      await own?.();
      const giveUpAt = performance.now() + endingMs;
      for (;;) {
        const runId = await tryStart(start);
        if (runId !== undefined) return { runId };
        const running = await describeSync({ workflowId: start.workflowId });
        if (running.taskId === start.taskId && running.runId !== undefined) return { runId: running.runId };
        if (performance.now() > giveUpAt)
          throw new TidemarkError(
            'SYNC_ALREADY_RUNNING',
            `The workflow ${start.workflowId} runs for another task; wait until it has ended.`,
            { origin: 'caller', retryable: true },
          );
        await sleep(endingPollMs);
      }
    },

    async cancelSync(run) {
      try {
        await call(() => client.workflow.getHandle(run.workflowId, run.runId ?? undefined).cancel());
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw unavailable(error);
      }
    },

    describeSync,
    schedules: createScheduleClient({ client, taskQueue, own }),
  };
}
