import { ParentClosePolicy, sleep, startChild, workflowInfo } from '@temporalio/workflow';
import { local } from './steps.ts';
import { searchAttributeNames, searchAttributesOf } from './search-attributes.ts';
import { describeSyncRun, syncWorkflowType } from './sync-input.ts';
import type { SyncInput, SyncNames } from './sync-input.ts';

/** The start is tried once a second, because the workflow of an earlier sync may still be closing. */
const tries = 5;

/**
 * Starts the sync of a task as an abandoned child, under the workflow id of the repository. False when the workflow of an earlier sync did not
 * end in time. The API's periodic look starts such tasks later.
 */
export async function startSync(taskId: number, workflowId: string, names: SyncNames): Promise<boolean> {
  const sync: SyncInput = { taskId, repositoryName: names.repositoryName };
  for (let tried = 1; tried <= tries; tried += 1) {
    try {
      const child = await startChild(syncWorkflowType, {
        workflowId,
        args: [sync],
        ...describeSyncRun(taskId, names),
        ...attributes(names),
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

/** A namespace that lacks the attributes would refuse the child. It has them if the parent was started with them. */
function attributes(names: SyncNames) {
  const key = { name: searchAttributeNames.trigger, type: 'KEYWORD' } as const;
  const isThere = workflowInfo().typedSearchAttributes.get(key) !== undefined;
  return isThere ? { typedSearchAttributes: searchAttributesOf(names) } : {};
}
