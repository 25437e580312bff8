import { TidemarkError } from '../../oci/error.ts';

/** Maps PostgreSQL's error 53100 (disk_full); undefined for any other. */
export function asDatabaseFull(error: unknown): TidemarkError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === '53100')
      return new TidemarkError(
        'STORAGE_FULL',
        "The database's disk has no space left. Free space or enlarge the volume, then sync again: what was fetched is kept.",
        { origin: 'server', retryable: true, cause: error },
      );
  return undefined;
}
