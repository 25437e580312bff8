import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, getClient } from '@temporalio/activity';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Em } from '../../db/open-database.ts';
import { taskLink } from '../../db/tasks/task-log.ts';
import type { AttributeFallback } from '../../telemetry/attribute-fallback.ts';
import type { ScheduledSync } from '../../db/schedules/due-schedules.ts';
import { setRunIds } from '../../db/tasks/open-tasks.ts';
import type { SyncInput, SyncNames } from '../../workflows/sync-input.ts';
import { searchAttributesOf } from '../../workflows/search-attributes.ts';
import { describeSyncRun, syncWorkflowType } from '../../workflows/sync-input.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';

const startsAtOnce = 8;
/** The workflow of an earlier sync may still be closing. */
const tries = 5;
const pauseMs = 1_000;

export interface SyncStarter {
  readonly attributes: AttributeFallback;
  readonly publicUrl?: string | undefined;
}

/**
 * Starts the workflows of waiting tasks, under the workflow id of the repository, so that one sync runs at a time. A task that cannot be started
 * is left to the API's periodic check.
 */
export async function startSyncs(
  starter: SyncStarter,
  em: Em,
  syncs: readonly ScheduledSync[],
  signal: AbortSignal,
): Promise<void> {
  const started: { taskId: number; runId: string }[] = [];
  try {
    await forEachConcurrently(syncs, { concurrency: startsAtOnce, signal }, async (sync) => {
      const runId = await startSync(starter, sync, signal);
      if (runId !== undefined) started.push({ taskId: sync.taskId, runId });
    });
  } finally {
    await setRunIds(em, started);
  }
}

async function startSync(
  starter: SyncStarter,
  { taskId, workflowId, repositoryName, remoteHost }: ScheduledSync,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names: SyncNames = { repositoryName, remoteHost, trigger: 'SCHEDULE', ...taskLink(starter, taskId) };
  const input: SyncInput = { taskId, repositoryName };
  for (let tried = 1; ; tried += 1)
    try {
      const handle = await starter.attributes.attempt(searchAttributesOf(names), (attributes) =>
        getClient().workflow.start(syncWorkflowType, {
          workflowId,
          taskQueue: activityInfo().taskQueue,
          args: [input],
          ...describeSyncRun(taskId, names),
          ...attributes,
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        }),
      );
      return handle.firstExecutionRunId;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (tried === tries) return undefined;
      await sleep(pauseMs, undefined, { signal });
    }
}
