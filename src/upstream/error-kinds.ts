import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';

/* Not in activities/failure.ts, because pulls use these too. */

/** Whether the host asks to slow down. All requests to it wait then. */
export function isThrottle(error: unknown): boolean {
  return (
    isTidemarkError(error) && (error.code === 'UPSTREAM_RATE_LIMITED' || error.code === 'UPSTREAM_THROTTLED')
  );
}

/** Whether the answer itself is wrong, so that a retry would not help. Side content is left out with a warning then. */
export function isUnreadable(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.origin === 'upstream' && !error.retryable;
}
