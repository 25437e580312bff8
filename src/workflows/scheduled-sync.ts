import { ParentClosePolicy, setCurrentDetails, sleep, startChild, workflowInfo } from '@temporalio/workflow';
import type { ScheduledSyncInput, ScheduledSyncResult } from './scheduled-sync-input.ts';
import { local } from './steps.ts';
import { summarizeSync, syncWorkflowType } from './sync-input.ts';
import type { SyncInput, SyncNames } from './sync-input.ts';

/** The start is tried once a second, because the workflow of an earlier sync may still be closing. */
const tries = 5;

/**
 * One run of a schedule: creates the task and starts its sync under the workflow id of the repository, so that one sync runs at a time.
 * The run ends at once when a look finds that nothing has changed, and is skipped when a sync is running already. It ends once the sync has begun, so that a later run is not delayed by this sync, and
 * is recorded as skipped.
 */
export async function scheduledSync(input: ScheduledSyncInput): Promise<ScheduledSyncResult> {
  const { runId, searchAttributes, startTime } = workflowInfo();
  // oxlint-disable-next-line typescript/no-deprecated
  const [due] = searchAttributes['TemporalScheduledStartTime'] ?? [];
  const dueAt = due instanceof Date ? due : startTime;
  const run = await local.beginScheduledSync({ ...input, workflowRunId: runId, dueAt: dueAt.toISOString() });
  const name = run.repositoryName ?? input.temporalId;
  if (run.taskId === null) {
    setCurrentDetails(
      run.message === null ? `${name}: nothing has changed` : `${name}: skipped. ${run.message}`,
    );
    return { taskId: null, skipped: run.message };
  }
  const names = { repositoryName: name, remoteHost: run.remoteHost, trigger: 'SCHEDULE' } as const;
  const started = await startSync(run.taskId, run.workflowId, names);
  setCurrentDetails(`${name}: ${started ? 'started' : 'left to the API to start'} ${run.workflowId}`);
  return { taskId: run.taskId, skipped: null };
}

/** False when the workflow of an earlier sync did not end in time. The API's periodic look starts such tasks later. */
async function startSync(taskId: number, workflowId: string, names: SyncNames): Promise<boolean> {
  const sync: SyncInput = { taskId, repositoryName: names.repositoryName };
  for (let tried = 1; tried <= tries; tried += 1) {
    try {
      const child = await startChild(syncWorkflowType, {
        workflowId,
        args: [sync],
        memo: { taskId, ...names },
        staticSummary: summarizeSync(names),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
      await local.noteRun({ taskId, runId: child.firstExecutionRunId });
      return true;
    } catch (error) {
      // @temporalio/workflow does not export the class
      if (!(error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')) throw error;
    }
    await sleep('1s');
  }
  return false;
}
