import { recordFailure } from '../../db/outcomes/failed-content.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import type { TagFailureMode } from '../../selection/tag-rules.ts';
import { isContentFailure, isThrottle } from '../../upstream/error-kinds.ts';
import type { WalkFailures } from '../../upstream/walk-graph.ts';
import type { ActivityDeps } from '../deps.ts';
import { isLastAttempt } from '../failure.ts';

/** More of these answers in one activity mean that the registry has failed, and not a few tags. */
const refusalsMost = 20;

/** Undefined under FAIL_SYNC. */
export function openFailures(
  { database }: ActivityDeps,
  taskId: number,
  mode: TagFailureMode = 'SKIP_TAG',
): WalkFailures | undefined {
  if (mode === 'FAIL_SYNC') return undefined;
  let refusals = 0;
  return {
    taskId,
    accepts: (error): error is TidemarkError => {
      if (isContentFailure(error)) return true;
      if (!isRefusedForNow(error) || !isLastAttempt()) return false;
      refusals += 1;
      return refusals <= refusalsMost;
    },
    record: (content, { code, message }) =>
      recordFailure(database.em.fork(), taskId, { ...content, code, reason: message }),
  };
}

/** Registries answer 500 or a signed address 403 for damaged content too, so these are retried first. */
function isRefusedForNow(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.retryable && (error.status ?? 0) >= 400 && !isThrottle(error);
}
