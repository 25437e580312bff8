import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { cutIntoParts, mostParts, shareOut } from './parts.ts';
import { endingTask, local, openRemote } from './steps.ts';
import { upstreamLost } from './sync-input.ts';
import type { SyncInput, SyncResult } from './sync-input.ts';
import { runStages } from './sync-stages.ts';
import type { StageRunner, UnfinishedSync } from './sync-stages.ts';

const remote = openRemote('24h');

/** Sent by a sync of the same host that ends. */
const yourTurn = defineSignal('yourTurn');

/** A waiting sync also looks by itself, because the sync that should signal it may be terminated. */
const shortestWaitSeconds = 30;
const longestWaitSeconds = 300;

/** How often the tags of a sync are listed anew after the loss of an upstream. */
const mostRounds = 2;

/**
 * Copies the graphs of the selected tags, then publishes a version in one transaction. The order is that of sync-stages.ts. Lists live in
 * the task's staging tables; only ids and counts pass through Temporal.
 */
export async function syncRepository(input: SyncInput): Promise<SyncResult> {
  const { taskId } = input;
  try {
    return await endingTask(taskId, 'The sync', () => sync(input));
  } finally {
    await CancellationScope.nonCancellable(() => callNext(taskId));
  }
}

async function sync(input: SyncInput): Promise<SyncResult> {
  const { taskId, repositoryName } = input;
  const show = (details: string) => setCurrentDetails(`${repositoryName}: ${details}`);
  const steps = createSteps(input);
  const enter: StageRunner['enter'] = async (stage, facts) => {
    show(stage.describe(facts));
    if (stage.taskStage !== undefined) await local.enterStage({ taskId, stage: stage.taskStage });
  };
  for (let round = 0; ; round += 1)
    try {
      let progress = await begin(input, round, show);
      while ('next' in progress) progress = await runStages(progress, { enter, steps, onlySmall: false });
      const { createdVersion } = progress;
      show(createdVersion === null ? 'nothing changed' : `version ${createdVersion}`);
      return progress;
    } catch (error) {
      if (round === mostRounds || !isUpstreamLost(error)) throw error;
    }
}

/** Whether the upstream whose tags are walked has failed, and the remote has others. The tags are then listed anew. */
function isUpstreamLost(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === upstreamLost;
}

function createSteps({ taskId, repositoryName }: SyncInput): Required<StageRunner['steps']> {
  const named = (step: string) => ({ summary: `${repositoryName}: ${step}` });
  return {
    walkTags: ({ positions, digests, downloadConcurrency }) => {
      const parts = cutIntoParts(positions, mostParts.walks);
      const walks = parts.map((part) => (concurrency: number) => {
        const options = named(`manifests of tags ${part.from + 1} to ${part.to}`);
        return remote.walkTags.executeWithOptions(options, [{ taskId, ...part, concurrency }]);
      });
      if (digests > 0)
        walks.push((concurrency) => {
          const options = named(`${digests} manifests by digest`);
          return remote.fetchDigests.executeWithOptions(options, [
            { taskId, part: parts.length, concurrency },
          ]);
        });
      return runShared(downloadConcurrency, walks);
    },
    findRemovals: () => remote.findRemovals.executeWithOptions(named('find removals'), [{ taskId }]),
    planSync: () => local.planSync({ taskId }),
    finishDryRun: (plan) => local.finishDryRun({ taskId, plan }),
    fetchBlobs: ({ batches, downloadConcurrency }) => {
      const fetches = Array.from({ length: batches }, (_, batch) => (concurrency: number) => {
        const options = named(`blobs, batch ${batch + 1} of ${batches}`);
        return remote.fetchBlobs.executeWithOptions(options, [{ taskId, batch, concurrency }]);
      });
      return runShared(downloadConcurrency, fetches);
    },
    fetchSignatures: ({ manifestsToAsk, downloadConcurrency }) => {
      const parts = cutIntoParts(manifestsToAsk, mostParts.signatures);
      const fetches = parts.map((part) => (concurrency: number) => {
        const options = named(`signatures of manifests ${part.from + 1} to ${part.to}`);
        return remote.fetchSignatures.executeWithOptions(options, [{ taskId, ...part, concurrency }]);
      });
      return runShared(downloadConcurrency, fetches);
    },
    verifySelected: () => remote.verifySelected.executeWithOptions(named('check signatures'), [{ taskId }]),
    commitSync: () => local.commitSync({ taskId }),
  };
}

/** While the maximum of syncs of the upstream's host is running, the task is WAITING, and can be cancelled. */
async function begin(
  { taskId, repositoryName }: SyncInput,
  round: number,
  show: (details: string) => void,
): Promise<SyncResult | UnfinishedSync> {
  let isCalled = false;
  setHandler(yourTurn, () => {
    isCalled = true;
  });
  const summary = `${repositoryName}: list tags, run the small stages`;
  for (let seconds = shortestWaitSeconds; ; seconds = Math.min(2 * seconds, longestWaitSeconds)) {
    isCalled = false;
    show('listing tags');
    const begun = await remote.beginSync.executeWithOptions({ summary }, [
      { taskId, ...(round > 0 && { round }) },
    ]);
    if (begun !== null) return begun;
    show("waiting for a turn: the maximum of syncs of the upstream's host is running");
    await condition(() => isCalled, `${seconds} seconds`);
  }
}

/** Signals the syncs that wait for this turn. A lost signal is no fault of this sync, because they also look by themselves. */
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

/** Runs activities a few at a time. Together they have at most `downloadConcurrency` requests in flight. */
async function runShared(
  downloadConcurrency: number,
  activities: readonly ((concurrency: number) => Promise<void>)[],
): Promise<void> {
  const shares = shareOut(downloadConcurrency, activities.length);
  const queue = [...activities];
  const lane = async (concurrency: number) => {
    for (let next = queue.shift(); next; next = queue.shift()) await next(concurrency);
  };
  // The first failure cancels the others and waits for them, so that nothing of a failed sync keeps running.
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
