import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Quota } from '../content/quota.ts';
import { shareStorageUse } from '../db/content/storage-use.ts';
import type { Database } from '../db/open-database.ts';

/** What the others have added meanwhile may exceed the quota. The sum over all blobs costs 0.2 s for a million of them. */
const everyMs = 5_000;

/** One account of storage for all processes with this database. @returns a function that stops it. */
export function shareQuota(
  database: Pick<Database, 'em'>,
  quota: Quota,
  logger: Logger,
): { readonly now: () => Promise<void>; readonly stop: () => void } {
  const processId = randomUUID();
  let sharing: Promise<void> | undefined;
  const share = async (): Promise<void> => {
    const asOf = performance.now();
    const { reservedBytes } = quota;
    quota.learn(await shareStorageUse(database.em.fork(), { processId, reservedBytes }), asOf);
  };
  const now = (): Promise<void> => {
    sharing ??= share().finally(() => (sharing = undefined));
    return sharing;
  };
  const tick = (): void =>
    void now().catch((error: unknown) => {
      logger.warn({ err: error }, 'could not read the used storage; the quota counts this process only');
    });
  const timer = setInterval(tick, everyMs);
  tick();
  return { now, stop: () => clearInterval(timer) };
}
