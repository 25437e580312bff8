import { TidemarkError } from '../oci/error.ts';

/** The error of arguments, options or input that cannot be used: exit code 2. */
export function usage(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('USAGE', message, { origin: 'caller', ...(cause === undefined ? {} : { cause }) });
}
