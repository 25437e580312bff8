import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { BegunCopy, UnfinishedCopy } from '../activities/sync/begin-copy.ts';
import type { Activities } from '../activities/create-activities.ts';
import type { SyncPlan } from '../activities/sync/plan-sync.ts';
import { describeFailure } from './describe-failure.ts';
import { cutIntoParts, mostParts, shareOut, tagsAPart } from './parts.ts';
import type { SyncInput, SyncResult } from './sync-input.ts';

/** Back-off of every activity; which errors are final, and when, is decided in activities/failure.ts. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

const remote = proxyActivities<Activities>({
  startToCloseTimeout: '24h',
  heartbeatTimeout: '10s',
  retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});

/** Short database steps. While the database is away they are tried again, for a day at the most. */
const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1h',
  scheduleToCloseTimeout: '24h',
  retry,
});

/** Says that the host of the upstream has a turn to give. */
const yourTurn = defineSignal('yourTurn');

/** How long a sync waits to be told so before it looks by itself, at first and at the most: the one that should tell it may be terminated. */
const shortestWaitSeconds = 30;
const longestWaitSeconds = 300;

/**
 * Copies the graphs of the selected tags, then publishes a version in one transaction (docs/design.md, "The idea").
 * Lists live in the task's staging tables; only ids and counts pass through here.
 */
export async function syncRepository(input: SyncInput): Promise<SyncResult> {
  const { taskId } = input;
  try {
    return await sync(input);
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      if (isCancellation(error)) await local.cancelTask({ taskId });
      else await local.failTask({ taskId, ...describeFailure(error, 'The sync') });
    });
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => callNext(taskId));
  }
}

async function sync({ taskId, repositoryName }: SyncInput): Promise<SyncResult> {
  const begun = await begin({ taskId, repositoryName });
  if (begun.committed !== undefined) return tellOf(begun.committed, repositoryName);
  const plan = begun.plan ?? (await walkAndPlan({ taskId, repositoryName }, begun));
  if (begun.dryRun) {
    await local.finishDryRun({ taskId, plan });
    return { createdVersion: null };
  }

  if (plan.batches > 0 && begun.isFetched !== true) {
    setCurrentDetails(`${repositoryName}: fetching ${plan.blobsToFetch} blobs, ${plan.bytesToFetch} bytes`);
    await local.enterStage({ taskId, stage: 'FETCHING_BLOBS' });
    await fetchBlobs({ taskId, repositoryName }, begun, plan.batches);
  }

  if (plan.manifestsToAsk !== undefined && plan.manifestsToAsk > 0) {
    setCurrentDetails(`${repositoryName}: fetching the signatures of ${plan.manifestsToAsk} manifests`);
    await local.enterStage({ taskId, stage: 'FETCHING_SIGNATURES' });
    await fetchSignatures({ taskId, repositoryName }, begun, plan.manifestsToAsk);
  }

  if (begun.requiresSignatures) {
    setCurrentDetails(`${repositoryName}: checking signatures`);
    const summary = `${repositoryName}: check signatures`;
    await remote.verifySelected.executeWithOptions({ summary }, [{ taskId }]);
  }

  setCurrentDetails(`${repositoryName}: committing`);
  return tellOf(await local.commitSync({ taskId }), repositoryName);
}

function tellOf(result: SyncResult, repositoryName: string): SyncResult {
  const { createdVersion } = result;
  setCurrentDetails(
    `${repositoryName}: ${createdVersion === null ? 'nothing had changed' : `version ${createdVersion}`}`,
  );
  return result;
}

/** While as many syncs as may ask the upstream's host are running, the task is WAITING, and can be cancelled. */
async function begin({ taskId, repositoryName }: SyncInput): Promise<BegunCopy> {
  let isCalled = false;
  setHandler(yourTurn, () => {
    isCalled = true;
  });
  const summary = `${repositoryName}: list tags, copy what is little`;
  for (let seconds = shortestWaitSeconds; ; seconds = Math.min(2 * seconds, longestWaitSeconds)) {
    isCalled = false;
    setCurrentDetails(`${repositoryName}: listing tags`);
    const begun = await remote.beginCopy.executeWithOptions({ summary }, [{ taskId, tagsAtMost: tagsAPart }]);
    if (begun !== null) return begun;
    setCurrentDetails(
      `${repositoryName}: waiting for its turn; as many syncs as may ask the upstream's host are running`,
    );
    await condition(() => isCalled, `${seconds} seconds`);
  }
}

/** Tells those that wait for the turn that a sync gives back. That the call is lost is no fault of this sync: they look by themselves, too. */
async function callNext(taskId: number): Promise<void> {
  const waiting = await local.nextInLine({ taskId }).catch(() => []);
  await Promise.all(
    waiting.map((workflowId) =>
      getExternalWorkflowHandle(workflowId)
        .signal(yourTurn)
        .catch(() => undefined),
    ),
  );
}

async function walkAndPlan(input: SyncInput, begun: UnfinishedCopy): Promise<SyncPlan> {
  const { taskId, repositoryName } = input;
  setCurrentDetails(`${repositoryName}: fetching the manifests of ${begun.positions} tags`);
  await local.enterStage({ taskId, stage: 'FETCHING_MANIFESTS' });
  await walkTags(input, begun);
  if (begun.mirror) {
    const summary = `${repositoryName}: look at what is to be removed`;
    await remote.findRemovals.executeWithOptions({ summary }, [{ taskId }]);
  }
  return local.planSync({ taskId });
}

async function walkTags(
  { taskId, repositoryName }: SyncInput,
  { positions, digests, downloadConcurrency }: UnfinishedCopy,
): Promise<void> {
  const parts = cutIntoParts(positions, mostParts.walks);
  const walks = parts.map(({ part, from, to }) => (concurrency: number) => {
    const summary = `${repositoryName}: manifests of tags ${from + 1} to ${to}`;
    return remote.walkTags.executeWithOptions({ summary }, [{ taskId, part, from, to, concurrency }]);
  });
  if (digests > 0)
    walks.push((concurrency) => {
      const summary = `${repositoryName}: ${digests} manifests by digest`;
      return remote.fetchDigests.executeWithOptions({ summary }, [
        { taskId, part: parts.length, concurrency },
      ]);
    });
  await runShared(downloadConcurrency, walks);
}

async function fetchBlobs(
  { taskId, repositoryName }: SyncInput,
  { downloadConcurrency }: UnfinishedCopy,
  batches: number,
): Promise<void> {
  const fetches = Array.from({ length: batches }, (_, batch) => (concurrency: number) => {
    const summary = `${repositoryName}: blobs, batch ${batch + 1} of ${batches}`;
    return remote.fetchBlobs.executeWithOptions({ summary }, [{ taskId, batch, concurrency }]);
  });
  await runShared(downloadConcurrency, fetches);
}

async function fetchSignatures(
  { taskId, repositoryName }: SyncInput,
  { downloadConcurrency }: UnfinishedCopy,
  manifests: number,
): Promise<void> {
  const fetches = cutIntoParts(manifests, mostParts.signatures).map(
    ({ part, from, to }) =>
      (concurrency: number) => {
        const summary = `${repositoryName}: signatures of manifests ${from + 1} to ${to}`;
        return remote.fetchSignatures.executeWithOptions({ summary }, [
          { taskId, part, from, to, concurrency },
        ]);
      },
  );
  await runShared(downloadConcurrency, fetches);
}

/** Runs activities a few at a time, so that together they have at most `downloadConcurrency` requests in flight. */
async function runShared(
  downloadConcurrency: number,
  activities: readonly ((concurrency: number) => Promise<void>)[],
): Promise<void> {
  const shares = shareOut(downloadConcurrency, activities.length);
  const queue = [...activities];
  const lane = async (concurrency: number) => {
    for (let next = queue.shift(); next; next = queue.shift()) await next(concurrency);
  };
  // the first failure cancels the others, and waits for them: nothing of a failed sync runs on
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    let failure: { readonly error: unknown } | undefined;
    await Promise.all(
      shares.map((concurrency) =>
        lane(concurrency).catch((error: unknown) => {
          failure ??= { error };
          queue.length = 0;
          scope.cancel();
        }),
      ),
    );
    if (failure) throw failure.error;
  });
}
