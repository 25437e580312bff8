import type { Logger } from 'pino';
import type { UploadFolder } from '../content/folder/upload-folder.ts';
import type { Database } from '../db/open-database.ts';
import { repeat } from './repeat.ts';
import { expireUploads, uploadKeptHours } from '../db/content/uploads.ts';

export interface UploadSweepOptions {
  readonly database: Database;
  readonly uploads: Pick<UploadFolder, 'cancel' | 'sweep'>;
  readonly logger: Logger;
  /** Pause between two sweeps; default: ten minutes. */
  readonly everyMs?: number;
}

/**
 * Removes uploads that were idle for a day with their files, and files without an upload, repeatedly (fault 73).
 * @returns a function that stops it.
 */
export function startUploadSweep(options: UploadSweepOptions): () => Promise<void> {
  return repeat(async () => {
    try {
      await sweepUploads(options);
    } catch (error) {
      options.logger.warn({ err: error }, 'could not remove expired uploads');
    }
    return options.everyMs ?? 10 * 60 * 1000;
  });
}

export async function sweepUploads({ database, uploads, logger }: UploadSweepOptions): Promise<void> {
  const expired = await expireUploads(database.em.fork());
  for (const id of expired) await uploads.cancel(id);
  const { removedFiles } = await uploads.sweep({ olderThanMs: uploadKeptHours * 60 * 60 * 1000 });
  if (expired.length + removedFiles > 0)
    logger.info({ expired: expired.length, removedFiles }, 'removed abandoned uploads');
}
