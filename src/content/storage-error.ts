import { TidemarkError, isTidemarkError } from '../oci/error.ts';

/** Awaits a file operation, and maps errors of the system to `STORAGE_FULL` or `STORAGE_UNAVAILABLE`. */
export async function onDisk<T>(what: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw storageError(what, error);
  }
}

/** The `code` of a system error (`ENOENT`, `ENOSPC`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Paths stay in the cause, because callers of the API see this message (fault 89). */
function storageError(what: string, error: unknown): TidemarkError {
  if (isTidemarkError(error)) return error;
  const code = systemCode(error) ?? 'an unknown error';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new TidemarkError(
      'STORAGE_FULL',
      `The blob store has no space left: ${what} failed with ${code}. Free space or enlarge the volume; the work then continues.`,
      { origin: 'server', retryable: true, cause: error },
    );
  return new TidemarkError(
    'STORAGE_UNAVAILABLE',
    `The blob store is unavailable: ${what} failed with ${code}. Check the volume (mounted, writable, owned by this user) and its disk.`,
    { origin: 'server', retryable: true, cause: error },
  );
}
