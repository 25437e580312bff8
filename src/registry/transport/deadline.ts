import { TidemarkError } from '../../oci/error.ts';

export interface Deadline {
  /** Aborts with the caller's reason, or with `UPSTREAM_TIMEOUT` when the time is up. */
  readonly signal: AbortSignal | undefined;
  /** Must be called when the work is done, else the timer stays. */
  end(): void;
}

/** Bounds one request, its body included, by `timeoutMs` (0: not at all). `what` names it in the message. */
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
        `${what} was not done within ${timeoutMs} ms, the remote's total timeout; raise it or set it to 0.`,
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
