import type { Logger } from 'pino';
import type { UploadFolder } from '../content/folder/upload-folder.ts';
import type { Database } from '../db/open-database.ts';
import { expireUploads, uploadKeptHours } from '../db/content/uploads.ts';

export interface UploadSweepOptions {
  readonly database: Database;
  readonly uploads: Pick<UploadFolder, 'cancel' | 'sweep'>;
  readonly logger: Logger;
  /** Between two sweeps; default ten minutes. */
  readonly everyMs?: number;
}

/**
 * Now and then removes uploads that nobody has touched for a day, with their files, and files that no upload belongs to (fault 73).
 * @returns a function that ends it.
 */
export function startUploadSweep(options: UploadSweepOptions): () => Promise<void> {
  const everyMs = options.everyMs ?? 10 * 60 * 1000;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running = Promise.resolve();

  const look = async () => {
    try {
      await sweepUploads(options);
    } catch (error) {
      // the database or the volume are away: the next sweep comes
      options.logger.warn({ err: error }, 'could not remove expired uploads');
    }
    if (!isStopped) timer = setTimeout(begin, everyMs);
  };
  const begin = () => {
    running = look();
  };
  begin();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}

export async function sweepUploads({ database, uploads, logger }: UploadSweepOptions): Promise<void> {
  const expired = await expireUploads(database.em.fork());
  for (const id of expired) await uploads.cancel(id);
  const { removedFiles } = await uploads.sweep({ olderThanMs: uploadKeptHours * 60 * 60 * 1000 });
  if (expired.length + removedFiles > 0)
    logger.info({ expired: expired.length, removedFiles }, 'removed uploads that nobody went on with');
}
