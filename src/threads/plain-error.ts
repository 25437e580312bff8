import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import type { TidemarkErrorOptions } from '../oci/error.ts';

/** An error as it passes between threads: its class does not. */
export type PlainError =
  | {
      readonly isOurs: true;
      readonly code: string;
      readonly message: string;
      readonly options: Omit<TidemarkErrorOptions, 'cause'>;
      readonly cause?: PlainError | undefined;
    }
  | {
      readonly isOurs: false;
      /** The stack, where there is one. */
      readonly message: string;
      /** Of an error of the system. */
      readonly code?: string | undefined;
    };

export function toPlainError(error: unknown): PlainError {
  if (!isTidemarkError(error)) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return {
      isOurs: false,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      code,
    };
  }
  const { code, message, origin, retryable, retryAfterMs, status } = error;
  const options = {
    origin,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(status === undefined ? {} : { status }),
  };
  const cause = error.cause === undefined ? undefined : toPlainError(error.cause);
  return { isOurs: true, code, message, options, cause };
}

export function fromPlainError(plain: PlainError): Error {
  if (plain.isOurs) {
    const { code, message, options, cause } = plain;
    return new TidemarkError(
      code,
      message,
      cause === undefined ? options : { ...options, cause: fromPlainError(cause) },
    );
  }
  const error = new Error(plain.message);
  return plain.code === undefined ? error : Object.assign(error, { code: plain.code });
}
