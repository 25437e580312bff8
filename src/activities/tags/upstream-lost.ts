import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isOutage, isThrottle } from '../../upstream/error-kinds.ts';
import { upstreamLost } from '../../workflows/sync-input.ts';
import { isLastAttempt } from '../failure.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/**
 * Runs a walk of tags. With fallbacks, its last attempt tells the workflow that the upstream of the tags is lost. Tags of another upstream
 * cannot take their place, so all of them are listed anew. A throttled upstream is waited for.
 */
export async function namingLoss(
  { failover }: SyncContext,
  signal: AbortSignal,
  walk: () => Promise<void>,
): Promise<void> {
  try {
    await walk();
  } catch (error) {
    signal.throwIfAborted();
    const isLost = isTidemarkError(error) && isOutage(error) && !isThrottle(error);
    if (failover === undefined || !isLost || !isLastAttempt()) throw error;
    throw new TidemarkError(
      upstreamLost,
      `The tags were listed at ${failover.chosen()?.host}, which failed before all of them were fetched. Sync again later. ${error.message}`,
      { cause: error },
    );
  }
}
