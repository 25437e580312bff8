import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';

/* Not in activities/failure.ts, because pulls use these too. */

const throttles: ReadonlySet<string> = new Set([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_THROTTLED',
  'QUOTA_RESERVED',
]);

/** Whether the host asks to slow down, or a remote reserves what is left of its quota. Requests to it wait then. */
export function isThrottle(error: unknown): boolean {
  return isTidemarkError(error) && throttles.has(error.code);
}

const outages: ReadonlySet<string> = new Set([
  'PROXY_FAILED',
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_TRUNCATED',
  'UPSTREAM_UNAVAILABLE',
]);

/** Whether the host does not work at the moment: it cannot be reached, answers 5xx, is too slow, or throttles. Another place may be asked. */
export function isOutage(error: unknown): boolean {
  return isTidemarkError(error) && error.retryable && outages.has(error.code);
}

/** Whether the answer itself is wrong, so that a retry would not help. Side content is left out with a warning then. */
export function isUnreadable(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.origin === 'upstream' && !error.retryable;
}

const damaged: ReadonlySet<string> = new Set([
  'CHILD_MISSING',
  'CONTENT_UNKNOWN',
  'DIGEST_INVALID',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'GRAPH_TOO_LARGE',
  'INDEX_TOO_LARGE',
  'MANIFEST_AMBIGUOUS',
  'MANIFEST_INVALID',
  'MANIFEST_TOO_LARGE',
  'MEDIA_TYPE_MISMATCH',
  'SCHEMA1_UNSUPPORTED',
  'SIZE_MISMATCH',
  'UPSTREAM_ENCODING_REFUSED',
  'UPSTREAM_RESPONSE_TOO_LARGE',
]);
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 410, 412, 451]);

/**
 * Whether the error is about the requested manifest or blob: it is damaged, missing, refused, or of an unsupported kind. Errors of the
 * network, the disk and the login are not.
 */
export function isContentFailure(error: unknown): error is TidemarkError {
  if (!isUnreadable(error)) return false;
  return damaged.has(error.code) || (error.status !== undefined && refusals.has(error.status));
}
