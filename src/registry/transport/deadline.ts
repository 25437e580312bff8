import { TidemarkError } from '../../oci/error.ts';

export interface Deadline {
  /** Aborts with the caller's reason, or with `UPSTREAM_TIMEOUT`. */
  readonly signal: AbortSignal | undefined;
  /** Must be called after the work; clears the timer. */
  end(): void;
}

/** A timeout of one request with its body; 0 is none. `what` is for the message. */
export function startDeadline(outer: AbortSignal | undefined, timeoutMs: number, what: string): Deadline {
  if (timeoutMs === 0) return { signal: outer, end() {} };
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  if (outer?.aborted === true) abort();
  outer?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => {
    controller.abort(
      new TidemarkError(
        'UPSTREAM_TIMEOUT',
        `${what} did not end within ${timeoutMs} ms, the remote's total timeout. Raise it, or set it to 0.`,
        { retryable: true },
      ),
    );
  }, timeoutMs);
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}
