import type { Logger } from 'pino';
import type { UploadStore } from '../content/upload-store.ts';
import type { Database } from '../db/open-database.ts';
import { repeat } from './repeat.ts';
import { deleteExpiredSessions } from '../db/access/access-sessions.ts';
import { removeOldPulls } from '../db/pulls/pull-days.ts';
import { removeOldTagChecks } from '../db/tag-checks/tag-checks.ts';
import { removeOldDeliveries } from '../db/webhooks/deliveries.ts';
import { expireUploads, uploadKeptHours } from '../db/content/uploads.ts';

export interface SweepOptions {
  readonly database: Database;
  readonly uploads: Pick<UploadStore, 'cancel' | 'sweep'>;
  readonly logger: Logger;
  /** Pause between two sweeps; default: ten minutes. */
  readonly everyMs?: number;
}

/**
 * Removes expired sessions, uploads that were idle for a day with their files, files without an upload, old counts of pulls, checks of
 * removed tags, and old deliveries to webhooks, repeatedly (fault 73).
 * @returns a function that stops it.
 */
export function startSweep(options: SweepOptions): () => Promise<void> {
  return repeat(async () => {
    try {
      await sweepSessions(options);
      await sweepUploads(options);
      await removeOldPulls(options.database.em.fork());
      await removeOldTagChecks(options.database.em.fork());
      await removeOldDeliveries(options.database.em.fork());
    } catch (error) {
      options.logger.warn(
        { err: error },
        'could not remove expired sessions, uploads, counts of pulls, checks of tags and deliveries',
      );
    }
    return options.everyMs ?? 10 * 60 * 1000;
  });
}

/** Removes sessions that have expired: they are refused already. */
export async function sweepSessions({
  database,
  logger,
}: Pick<SweepOptions, 'database' | 'logger'>): Promise<void> {
  const expired = await deleteExpiredSessions(database.em.fork());
  if (expired > 0) logger.info({ expired }, 'removed expired sessions');
}

export async function sweepUploads({ database, uploads, logger }: SweepOptions): Promise<void> {
  const expired = await expireUploads(database.em.fork());
  for (const id of expired) await uploads.cancel(id);
  const { removedFiles } = await uploads.sweep({ olderThanMs: uploadKeptHours * 60 * 60 * 1000 });
  if (expired.length + removedFiles > 0)
    logger.info({ expired: expired.length, removedFiles }, 'removed abandoned uploads');
}
