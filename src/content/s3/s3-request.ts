import { setTimeout as sleep } from 'node:timers/promises';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { systemCode } from '../storage-error.ts';

const maxAttempts = 6;
const firstDelayMs = 100;
const maxDelayMs = 5_000;

/** Transient errors of S3 (fault 114). */
const transientNames = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'OperationAborted',
  'TimeoutError',
]);
const fullNames = new Set(['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'EntityTooLarge']);

export interface S3Timing {
  /** The timeout of a request without a body. */
  readonly answerWithinMs: number;
  /** The idle timeout of a connection that transfers a body or assembles parts. */
  readonly silenceMs: number;
  /** No attempt starts later than this after the first: a client is waiting. */
  readonly giveUpAfterMs: number;
}

export const s3Timing: S3Timing = { answerWithinMs: 15_000, silenceMs: 60_000, giveUpAfterMs: 25_000 };

export interface S3Asking {
  readonly signal: AbortSignal | undefined;
  /** The request has a body or takes long: only the idle timeout ends it. */
  readonly isLong?: boolean;
}

/**
 * Sends one request to S3 and retries transient errors with back-off. The SDK's own retries are off: they do not repeat a streamed body.
 * `request` gets a signal for each attempt.
 * @param what For the message: `reading sha256:…`.
 * @throws TidemarkError `STORAGE_UNAVAILABLE` or `STORAGE_FULL`, both retryable; the signal's reason.
 */
export type AskS3 = <T>(
  what: string,
  asking: S3Asking,
  request: (attempt: AbortSignal) => Promise<T>,
) => Promise<T>;

export function createAskS3({ answerWithinMs, giveUpAfterMs }: S3Timing): AskS3 {
  return async (what, { signal, isLong = false }, request) => {
    const begun = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        return await (isLong ? request(signal ?? never) : answered(answerWithinMs, signal, request));
      } catch (error) {
        signal?.throwIfAborted();
        const isLate = performance.now() - begun >= giveUpAfterMs;
        if (attempt >= maxAttempts || isLate || !isTransient(error)) throw s3Error(what, error);
        await pause(attempt, signal);
      }
    }
  };
}

const never = new AbortController().signal;

async function answered<T>(
  withinMs: number,
  signal: AbortSignal | undefined,
  request: (attempt: AbortSignal) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  const timeout = new DOMException('no answer', 'TimeoutError');
  // The answer clears the timeout: its body takes as long as the reader.
  const timer = setTimeout(() => silence.abort(timeout), withinMs);
  try {
    return await request(signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]));
  } catch (error) {
    throw silence.signal.aborted ? timeout : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a request failed by its timeout. */
export function wasSilent(error: unknown): boolean {
  return isTidemarkError(error) && error.cause instanceof Error && error.cause.name === 'TimeoutError';
}

/** Exponential back-off with jitter. */
export async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const mostMs = Math.min(maxDelayMs, firstDelayMs * 2 ** attempt);
  await sleep(mostMs * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal });
}

export function isTransient(error: unknown): boolean {
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    return transientNames.has(error.name) || status === 429 || (status >= 500 && status !== 507);
  }
  if (isTidemarkError(error)) return false;
  if (error instanceof Error && (error.name === 'TimeoutError' || error.message === 'aborted')) return true;
  return /^(E(CONN|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH|PROTO)|HPE_)/.test(systemCode(error) ?? '');
}

/** Whether the object does not exist; a missing bucket is another error. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) return false;
  return error.name !== 'NoSuchBucket';
}

/** S3's text stays in the cause: it may name keys and hosts. */
export function s3Error(what: string, error: unknown): TidemarkError {
  if (isTidemarkError(error)) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const name = systemCode(error) ?? (error instanceof Error ? error.name : 'an unknown error');
  const failed = `${what} failed with ${name}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (status === 507 || fullNames.has(name))
    return new TidemarkError(
      'STORAGE_FULL',
      `The bucket has no space left: ${failed}. Raise its quota or free space; the work then continues.`,
      { origin: 'server', retryable: true, cause: error },
    );
  return new TidemarkError(
    'STORAGE_UNAVAILABLE',
    `The bucket of the blob store is unavailable: ${failed}. Check TIDEMARK_BLOBS, the credentials and their rights, and the S3 server.`,
    { origin: 'server', retryable: true, cause: error },
  );
}
