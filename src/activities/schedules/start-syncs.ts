import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, getClient } from '@temporalio/activity';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Em } from '../../db/open-database.ts';
import type { ScheduledSync } from '../../db/schedules/due-schedules.ts';
import { setRunIds } from '../../db/tasks/open-tasks.ts';
import type { SyncInput, SyncNames } from '../../workflows/sync-input.ts';
import { summarizeSync, syncWorkflowType } from '../../workflows/sync-input.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';

const startsAtOnce = 8;
/** The workflow of an earlier sync may still be closing. */
const tries = 5;
const pauseMs = 1_000;

/**
 * Starts the workflows of waiting tasks, under the workflow id of the repository, so that one sync runs at a time. A task that cannot be started
 * is left to the API's periodic check.
 */
export async function startSyncs(
  em: Em,
  syncs: readonly ScheduledSync[],
  signal: AbortSignal,
): Promise<void> {
  const started: { taskId: number; runId: string }[] = [];
  try {
    await forEachConcurrently(syncs, { concurrency: startsAtOnce, signal }, async (sync) => {
      const runId = await startSync(sync, signal);
      if (runId !== undefined) started.push({ taskId: sync.taskId, runId });
    });
  } finally {
    await setRunIds(em, started);
  }
}

async function startSync(
  { taskId, workflowId, repositoryName, remoteHost }: ScheduledSync,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names: SyncNames = { repositoryName, remoteHost, trigger: 'SCHEDULE' };
  const input: SyncInput = { taskId, repositoryName };
  for (let tried = 1; ; tried += 1)
    try {
      const handle = await getClient().workflow.start(syncWorkflowType, {
        workflowId,
        taskQueue: activityInfo().taskQueue,
        args: [input],
        memo: { taskId, ...names },
        staticSummary: summarizeSync(names),
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      });
      return handle.firstExecutionRunId;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (tried === tries) return undefined;
      await sleep(pauseMs, undefined, { signal });
    }
}
