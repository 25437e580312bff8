import type { Em } from '../../db/open-database.ts';
import { setSignatureSource } from '../../db/staging/stage-signatures.ts';
import { stageProblems, unknownSource } from '../../db/staging/stage-companions.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { isSideFailure } from './side-look-ups.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** Finds out once a sync whether there is anywhere to ask for atomic signatures, and keeps that with the task. */
export async function findSignatureSource(em: Em, sync: SyncContext, signal: AbortSignal): Promise<void> {
  await setSignatureSource(em, sync.taskId, await ask(em, sync, signal));
}

/** A registry that does not answer to `/v2/` has told of no extension: what is here of signatures stays. */
async function ask(
  em: Em,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<'STORE' | 'EXTENSION' | undefined> {
  try {
    return await sync.registry.findSignatureSource({ signal });
  } catch (error) {
    if (!isSideFailure(error, sync)) throw error;
    const message = `Whether the upstream has a store of signatures could not be found out: ${error.message}`;
    await stageProblems(em, sync.taskId, [{ subject: unknownSource, reason: message }]);
    if (error.retryable) await addWarnings(em, sync.taskId, [message]);
    return undefined;
  }
}
