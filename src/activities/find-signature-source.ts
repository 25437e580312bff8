import type { Em } from '../db/open-database.ts';
import { setSignatureSource } from '../db/stage-signatures.ts';
import { isUnreadable } from './failure.ts';
import type { SyncContext } from './sync-context.ts';

/** Finds out once a sync whether there is anywhere to ask for atomic signatures, and keeps that with the task. */
export async function findSignatureSource(em: Em, sync: SyncContext, signal: AbortSignal): Promise<void> {
  await setSignatureSource(em, sync.taskId, await ask(sync, signal));
}

/** A registry that does not answer to `/v2/` has told of no extension. */
async function ask(sync: SyncContext, signal: AbortSignal): Promise<'STORE' | 'EXTENSION' | undefined> {
  try {
    return await sync.registry.findSignatureSource({ signal });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}
