/**
 * The one error family of Tidemark. Three mappers turn it into what each edge speaks: `activities/failure.ts`
 * (Temporal), `api/graphql/errors.ts` (GraphQL) and, for the Distribution API, `api/distribution/error.ts`.
 */

/** Whose fault it was: the caller's input, the upstream registry, this server's own parts, or nobody's (cancelled). */
export type ErrorOrigin = 'caller' | 'upstream' | 'server' | 'cancelled';

export interface TidemarkErrorOptions {
  /** Default `upstream`. */
  readonly origin?: ErrorOrigin;
  /** Whether the same call may succeed later with nothing changed by a person. Default false. */
  readonly retryable?: boolean;
  /** What the other side asked us to wait, in milliseconds (`Retry-After`, RFC 9110 section 10.2.3). */
  readonly retryAfterMs?: number;
  /** The HTTP status that was received, where there was one. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * An error that people may read: `code` is stable and in capitals (docs/faults.md names many); `message` says what happened
 * with the value received, what was expected, and what to do. It never holds a secret, a stack trace or SQL.
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

/** A received value as it may stand in a message: quoted, control characters escaped, shortened to `maxLength`. */
export function quoteValue(value: unknown, maxLength = 80): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return JSON.stringify(short);
}
