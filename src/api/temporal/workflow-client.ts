import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { taskLink } from '../../db/tasks/task-log.ts';
import { TidemarkError } from '../../oci/error.ts';
import { createAttributeFallback } from '../../telemetry/attribute-fallback.ts';
import type { AttributeFallback } from '../../telemetry/attribute-fallback.ts';
import { createScheduleClient } from './schedule-client.ts';
import type { SyncDescription, SyncRun, SyncStart, WorkflowStarter } from '../../operations/workflows.ts';
import { callTemporal, unavailable } from './temporal-call.ts';
import type { WorkflowClientOptions } from './temporal-call.ts';
import { describeSyncRun, linkTask, summaryOf, syncWorkflowType } from '../../workflows/sync-input.ts';
import { searchAttributesOf } from '../../workflows/search-attributes.ts';
import type { SyncInput, SyncNames } from '../../workflows/sync-input.ts';
import { taskWorkflowTypes } from '../../workflows/upkeep-input.ts';

/** How long to wait for the workflow of a final task to close. */
const endingMs = 3_000;
const endingPollMs = 20;

export function createWorkflowClient(options: WorkflowClientOptions): WorkflowStarter {
  const { client, own } = options;
  const starter = { ...options, attributes: options.attributes ?? createAttributeFallback(() => undefined) };
  return {
    async startSync(start) {
      await own?.();
      const giveUpAt = performance.now() + endingMs;
      for (;;) {
        const runId = await tryStart(starter, start);
        if (runId !== undefined) return { runId };
        const running = await describeSync(client, { workflowId: start.workflowId });
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
    cancelSync: (run) => cancelSync(client, run),
    describeSync: (run) => describeSync(client, run),
    schedules: createScheduleClient(starter),
  };
}

type Starter = WorkflowClientOptions & { readonly attributes: AttributeFallback };

/** @returns the id of the run; undefined: a run of this workflow id is open. */
async function tryStart(starter: Starter, start: SyncStart): Promise<string | undefined> {
  const { client, taskQueue, attributes } = starter;
  const { taskId, workflowId, repositoryName, taskName = '', remoteHost = null, trigger = 'MANUAL' } = start;
  const names: SyncNames = { repositoryName, remoteHost, trigger, ...taskLink(starter, taskId) };
  const otherType = taskWorkflowTypes.get(taskName);
  const input: SyncInput = { taskId, repositoryName };
  const shown = otherType === undefined ? describeSyncRun(taskId, names) : describeOther(start, names);
  try {
    const handle = await attributes.attempt(searchAttributesOf(names), (searchable) =>
      callTemporal(client, () =>
        client.workflow.start(otherType ?? syncWorkflowType, {
          workflowId,
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          ...shown,
          ...searchable,
        }),
      ),
    );
    return handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw unavailable(error);
  }
}

/** A run of a mirror rule, a clean-up or a verification. */
function describeOther({ taskId, taskName = '', ruleName }: SyncStart, { trigger, taskUrl }: SyncNames) {
  const isRule = typeof ruleName === 'string';
  return {
    memo: { taskId, trigger, ...(isRule ? { ruleName } : {}), ...(taskUrl === undefined ? {} : { taskUrl }) },
    staticSummary: isRule ? summaryOf(`run of mirror rule ${ruleName}`) : taskName,
    ...(taskUrl === undefined ? {} : { staticDetails: linkTask(taskUrl) }),
  };
}

async function cancelSync(client: Client, { workflowId, runId }: SyncRun): Promise<boolean> {
  try {
    await callTemporal(client, () => client.workflow.getHandle(workflowId, runId ?? undefined).cancel());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw unavailable(error);
  }
}

async function describeSync(client: Client, { workflowId, runId }: SyncRun): Promise<SyncDescription> {
  try {
    const found = await callTemporal(client, () =>
      client.workflow.getHandle(workflowId, runId ?? undefined).describe(),
    );
    // a long task continues as a new run
    if (found.status.name === 'CONTINUED_AS_NEW' && runId != null)
      return await describeSync(client, { workflowId });
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
