import { isOutage } from '../../upstream/error-kinds.ts';
import type { SyncContext } from './sync-context.ts';

/** Chooses the upstream whose tags the sync takes, where no list of tags does: the first name tells which upstream answers. */
export async function chooseUpstream({ failover, filter }: SyncContext, signal: AbortSignal): Promise<void> {
  if (failover === undefined || filter.needsListing) return;
  const [name] = filter.exactNames;
  try {
    if (name !== undefined) await failover.resolve(name, { signal });
  } catch (error) {
    signal.throwIfAborted();
    // any other error is an answer about this tag
    if (isOutage(error)) throw error;
  }
  await failover.choose();
}
