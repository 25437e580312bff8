import { setTimeout as sleep } from 'node:timers/promises';
import { isTidemarkError } from '../../oci/error.ts';

/** Longer pauses are left to the caller, who can wait durably. */
const longestWaitMs = 5_000;
/** More seconds are a Unix time, not a pause of 30 years (docker/hub-feedback#2459). */
const smallestUnixTime = 1_000_000_000;
/** Longer requested pauses are cut to a day. */
const longestRetryAfterMs = 24 * 60 * 60 * 1000;

const repeatable = new Set(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_RATE_LIMITED', 'UPSTREAM_TRUNCATED']);

export interface RetryOptions {
  readonly maxRetries: number;
  /** The first pause, which doubles. Default 250. */
  readonly baseMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Retries transient errors (429, 5xx, resets) with exponential back-off and jitter. A timeout is not retried here, because it has used its slot
 * for long. @throws the last error.
 */
export async function retry<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    options.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isTidemarkError(error) || !error.retryable || !repeatable.has(error.code)) throw error;
      if (tries >= options.maxRetries) throw error;
      const backoffMs =
        Math.min((options.baseMs ?? 250) * 2 ** tries, longestWaitMs) * (0.5 + Math.random() / 2);
      const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs);
      if (waitMs > longestWaitMs) throw error;
      await pause(waitMs, options.signal);
    }
  }
}

/**
 * `Retry-After` (RFC 9110 section 10.2.3) in milliseconds from now, at most a day. Seconds, an HTTP date and a Unix time are accepted; undefined
 * for others and for the past.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const isSeconds = /^\d{1,15}$/.test(text);
  // Date.parse accepts too much. An HTTP date starts with a weekday and ends in GMT.
  const isDate = /^[A-Za-z]{3,9},? .*(?:GMT|\d{4})$/.test(text);
  const seconds = isSeconds ? Number(text) : Number.NaN;
  const momentMs =
    seconds >= smallestUnixTime ? seconds * 1000 : isDate ? Date.parse(text) : nowMs + seconds * 1000;
  const waitMs = momentMs - nowMs;
  return Number.isFinite(waitMs) && waitMs > 0 ? Math.min(waitMs, longestRetryAfterMs) : undefined;
}

async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
