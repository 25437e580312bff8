import { endingTask, local, openRemote } from './steps.ts';
import type { UpkeepInput } from './upkeep-input.ts';

const remote = openRemote('7d');

/** Garbage collection: removes versions beyond what is kept, then content that nothing holds (docs/how-it-works.md). */
export async function collectContent(input: UpkeepInput): Promise<void> {
  await asTask(input, 'content.collect', async (taskId, dryRun) => {
    if (dryRun)
      await remote.planCollection.executeWithOptions({ summary: 'count what would be removed' }, [
        { taskId },
      ]);
    else {
      await remote.collectVersions.executeWithOptions({ summary: 'versions' }, [{ taskId }]);
      await remote.collectUnheld.executeWithOptions({ summary: 'manifests and blobs' }, [{ taskId }]);
    }
    await remote.collectFiles.executeWithOptions({ summary: 'files without a row' }, [{ taskId, dryRun }]);
  });
}

/** Hashes all stored content. */
export async function verifyContent(input: UpkeepInput): Promise<void> {
  await asTask(input, 'content.verify', (taskId) =>
    remote.verifyStored.executeWithOptions({ summary: 'hash stored content' }, [{ taskId }]),
  );
}

async function asTask(
  input: UpkeepInput,
  name: 'content.collect' | 'content.verify',
  work: (taskId: number, dryRun: boolean) => Promise<void>,
): Promise<void> {
  const begun = await local.beginUpkeep({ ...input, name });
  // a task of this kind is running already
  if (begun === null) return;
  const { taskId, dryRun } = begun;
  await endingTask(taskId, 'The work', async () => {
    await work(taskId, dryRun);
    await local.completeUpkeep({ taskId });
  });
}
