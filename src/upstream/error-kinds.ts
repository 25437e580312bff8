import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';

/* Apart from failure.ts, which is Temporal's: pull-through walks graphs as well. */

/** Whether upstream's host asks to slow down: all that is asked of it waits. */
export function isThrottle(error: unknown): boolean {
  return (
    isTidemarkError(error) && (error.code === 'UPSTREAM_RATE_LIMITED' || error.code === 'UPSTREAM_THROTTLED')
  );
}

/** Whether upstream's answer itself is at fault, and would be again: what only accompanies an image is left out then, with a warning. */
export function isUnreadable(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.origin === 'upstream' && !error.retryable;
}
