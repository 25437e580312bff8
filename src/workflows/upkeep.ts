import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import { describeFailure } from './describe-failure.ts';
import type { UpkeepInput } from './upkeep-input.ts';

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;
const remote = proxyActivities<Activities>({
  startToCloseTimeout: '7d',
  heartbeatTimeout: '10s',
  retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});
const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1h',
  scheduleToCloseTimeout: '24h',
  retry,
});

/** Removes versions beyond what is kept, then content that no version reaches (docs/how-it-works.md, "Clean-up"). */
export async function collectContent(input: UpkeepInput): Promise<void> {
  await asTask(input, 'content.collect', async (taskId, dryRun) => {
    if (dryRun)
      await remote.planCollection.executeWithOptions({ summary: 'count what would go' }, [{ taskId }]);
    else {
      await remote.collectVersions.executeWithOptions({ summary: 'versions' }, [{ taskId }]);
      await remote.collectUnheld.executeWithOptions({ summary: 'manifests and blobs' }, [{ taskId }]);
    }
    await remote.collectFiles.executeWithOptions({ summary: 'files that nobody knows' }, [
      { taskId, dryRun },
    ]);
  });
}

/** Hashes all that is stored once more. */
export async function verifyContent(input: UpkeepInput): Promise<void> {
  await asTask(input, 'content.verify', (taskId) =>
    remote.verifyStored.executeWithOptions({ summary: 'hash what is stored' }, [{ taskId }]),
  );
}

async function asTask(
  input: UpkeepInput,
  name: 'content.collect' | 'content.verify',
  work: (taskId: number, dryRun: boolean) => Promise<void>,
): Promise<void> {
  const begun = await local.beginUpkeep({ ...input, name });
  // one is running already: a schedule that comes round meanwhile has nothing to do
  if (begun === null) return;
  const { taskId, dryRun } = begun;
  try {
    await work(taskId, dryRun);
    await local.completeUpkeep({ taskId });
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      if (isCancellation(error)) await local.cancelTask({ taskId });
      else await local.failTask({ taskId, ...describeFailure(error, 'The work') });
    });
    throw error;
  }
}
