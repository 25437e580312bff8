import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { repeat } from '../api/repeat.ts';
import type { Quota } from '../content/quota.ts';
import { shareStorageUse } from '../db/content/storage-use.ts';
import type { Database } from '../db/open-database.ts';

/** What the others have added meanwhile may exceed the quota. The sum over all blobs costs 0.2 s for a million of them. */
const everyMs = 5_000;

export interface SharedQuota {
  /** Tells the others what this process has reserved, and learns what all use. */
  share(): Promise<void>;
  stop(): Promise<void>;
}

/** One account of storage for all processes with this database, from now on. */
export function shareQuota(database: Pick<Database, 'em'>, quota: Quota, logger: Logger): SharedQuota {
  const processId = randomUUID();
  const share = async (): Promise<void> => {
    const asOf = performance.now();
    const { reservedBytes } = quota;
    quota.learn(await shareStorageUse(database.em.fork(), { processId, reservedBytes }), asOf);
  };
  const stop = repeat(async () => {
    await share().catch((error: unknown) => {
      logger.warn({ err: error }, 'could not read the used storage; the quota counts this process only');
    });
    return everyMs;
  });
  return { share, stop };
}
