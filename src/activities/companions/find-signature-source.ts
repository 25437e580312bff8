import type { Em } from '../../db/open-database.ts';
import { setSignatureSource } from '../../db/staging/stage-signatures.ts';
import { stageProblems, unknownSource } from '../../db/staging/stage-companions.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { isSideFailure } from './side-look-ups.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** Records with the task where its atomic signatures are read from, if anywhere. */
export async function findSignatureSource(em: Em, sync: SyncContext, signal: AbortSignal): Promise<void> {
  await setSignatureSource(em, sync.taskId, await ask(em, sync, signal));
}

/** A registry that does not answer `/v2/` has not denied the extension, so present signatures stay. */
async function ask(
  em: Em,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<'STORE' | 'EXTENSION' | undefined> {
  try {
    return await sync.registry.findSignatureSource({ signal });
  } catch (error) {
    // the reason of an abort may look like an answer
    signal.throwIfAborted();
    if (!isSideFailure(error, sync)) throw error;
    const message = `The search for the upstream's store of signatures failed: ${error.message}`;
    await stageProblems(em, sync.taskId, [{ subject: unknownSource, reason: message }]);
    if (error.retryable) await addWarnings(em, sync.taskId, [message]);
    return undefined;
  }
}
