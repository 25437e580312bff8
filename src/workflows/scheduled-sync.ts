import {
  ParentClosePolicy,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { ScheduledSyncInput, ScheduledSyncResult } from './scheduled-sync-input.ts';
import { summarizeSync, syncWorkflowType } from './sync-input.ts';
import type { SyncInput, SyncNames } from './sync-input.ts';

const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1h',
  scheduleToCloseTimeout: '24h',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** The sync before may be final while its workflow still closes: so often is the start tried, once a second. */
const tries = 5;

/**
 * One run of a schedule: makes the task and starts its sync under the id that every sync of the repository has, so that one runs at
 * a time; where one is under way already, the run is skipped. It ends once the sync has begun: then each later run that is due while the
 * sync takes its time is started too, and recorded as skipped.
 */
export async function scheduledSync(input: ScheduledSyncInput): Promise<ScheduledSyncResult> {
  const { runId, searchAttributes, startTime } = workflowInfo();
  // oxlint-disable-next-line typescript/no-deprecated
  const [due] = searchAttributes['TemporalScheduledStartTime'] ?? [];
  const dueAt = due instanceof Date ? due : startTime;
  const run = await local.beginScheduledSync({ ...input, workflowRunId: runId, dueAt: dueAt.toISOString() });
  const name = run.repositoryName ?? input.temporalId;
  if (run.taskId === null) {
    setCurrentDetails(`${name}: skipped. ${run.message}`);
    return { taskId: null, skipped: run.message };
  }
  const names = { repositoryName: name, remoteHost: run.remoteHost, trigger: 'SCHEDULE' } as const;
  const started = await startSync(run.taskId, run.workflowId, names);
  setCurrentDetails(`${name}: ${started ? 'started' : 'left to the API to start'} ${run.workflowId}`);
  return { taskId: run.taskId, skipped: null };
}

/** False when the workflow of an earlier sync did not end in time: the API's periodic look starts tasks that wait for long. */
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
      // the class is not among what @temporalio/workflow exports
      if (!(error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')) throw error;
    }
    await sleep('1s');
  }
  return false;
}
