/**
 * The errors of Tidemark. Three files map them: `activities/failure.ts` (Temporal), `api/graphql/errors.ts` (GraphQL) and
 * `api/distribution/error.ts` (Distribution API).
 */

/** Who is at fault: the caller's input, the upstream registry, this server, or nobody (cancelled). */
export type ErrorOrigin = 'caller' | 'upstream' | 'server' | 'cancelled';

export interface TidemarkErrorOptions {
  /** Default `upstream`. */
  readonly origin?: ErrorOrigin;
  /** Whether a retry may succeed without a person's help. Default false. */
  readonly retryable?: boolean;
  /** The requested pause in milliseconds (`Retry-After`, RFC 9110 section 10.2.3). */
  readonly retryAfterMs?: number;
  /** The received HTTP status, if there was one. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * An error for people. `code` is stable (docs/faults.md). `message` says what happened with which value, what was expected, and what to do. It never
 * contains a secret, a stack trace or SQL.
 */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: string;
  readonly origin: ErrorOrigin;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;

  constructor(code: string, message: string, options: TidemarkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.origin = options.origin ?? 'upstream';
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }
}

export function isTidemarkError(error: unknown): error is TidemarkError {
  return error instanceof TidemarkError;
}

/** A value for a message: quoted, escaped, and shortened to `maxLength`. */
export function quoteValue(value: unknown, maxLength = 80): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return JSON.stringify(short);
}
