import {
  CancellationScope,
  getExternalWorkflowHandle,
  makeContinueAsNewFunc,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { RuleInput } from './rule-input.ts';
import { startSync } from './start-sync.ts';
import { endingTask, local, openRemote, wasCancelled } from './steps.ts';
import type { SyncTrigger } from './sync-input.ts';

const remote = openRemote('7d');

/** A history stays under 500 events (docs/design.md). */
const eventsAtMost = 350;

/**
 * One run of a mirror rule: finds the repositories of the upstream, creates those that are new, and syncs all of them, a few at a time. Lists live
 * in the outcomes of the task; a long run continues as a new one. A sync that fails fails its repository only.
 */
export async function runMirrorRule(input: RuleInput): Promise<void> {
  const { runId, memo = {} } = workflowInfo();
  const begun = await local.beginRule(input);
  // a run of the rule is open, or the rule is deleted
  if (begun === null) return;
  const { taskId, dryRun } = begun;
  if (input.isSyncing === true) await local.noteRun({ taskId, runId });
  const isOver = await endingTask(taskId, 'The run of the mirror rule', () =>
    cancellingSyncs(taskId, async () => {
      if (input.isSyncing !== true) {
        setCurrentDetails('finding repositories');
        await remote.discoverRepositories.executeWithOptions({ summary: 'find repositories' }, [{ taskId }]);
        if (!dryRun)
          await remote.createRuleRepositories.executeWithOptions({ summary: 'create repositories' }, [
            { taskId },
          ]);
      }
      const allSynced = dryRun || (await syncAll(taskId, input.ruleId === undefined ? 'MANUAL' : 'SCHEDULE'));
      if (allSynced) await local.completeRule({ taskId });
      return allSynced;
    }),
  );
  if (isOver) return;
  const next = makeContinueAsNewFunc<typeof runMirrorRule>({ memo: { ...memo, taskId } });
  await next({ ...input, taskId, isSyncing: true });
}

/** False when the history has become long. */
async function syncAll(taskId: number, trigger: SyncTrigger): Promise<boolean> {
  setCurrentDetails('syncing repositories');
  while (workflowInfo().historyLength < eventsAtMost) {
    const { syncs, isDone } = await remote.nextRuleSyncs.executeWithOptions({ summary: 'next syncs' }, [
      { taskId },
    ]);
    if (isDone) return true;
    await Promise.all(
      syncs.map(({ taskId: syncId, workflowId, remoteHost = null, ...names }) =>
        startSync(syncId, workflowId, { ...names, remoteHost, trigger }),
      ),
    );
  }
  return false;
}

/** A cancelled run cancels its syncs. */
async function cancellingSyncs<T>(taskId: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (wasCancelled(error))
      await CancellationScope.nonCancellable(async () => {
        const open = await local.openRuleSyncs({ taskId });
        await Promise.all(
          open.map(({ workflowId, runId }) =>
            getExternalWorkflowHandle(workflowId, runId)
              .cancel()
              .catch(() => undefined),
          ),
        );
      });
    throw error;
  }
}
