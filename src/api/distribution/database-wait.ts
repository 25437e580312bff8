import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError } from '../../db/connection/connection-error.ts';
import { pingDatabase } from '../../db/connection/ping-database.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { DistributionDependencies } from './exchange.ts';

/** Runs reads of a pull. If the database is away, they are run once more when it is back, or after three seconds. */
export type DatabaseWait = <T>(read: () => Promise<T>) => Promise<T>;

const patienceMs = 3_000;
const pauseMs = 100;

/** All waiting pulls share one look at the database. */
export function createDatabaseWait({
  database,
  logger,
}: Pick<DistributionDependencies, 'database' | 'logger'>): DatabaseWait {
  let back: Promise<void> | undefined;
  async function look(reason: unknown): Promise<void> {
    logger.warn({ err: reason }, 'pulls wait for the database');
    for (const giveUpAt = performance.now() + patienceMs; performance.now() < giveUpAt;) {
      await sleep(pauseMs);
      try {
        await pingDatabase(database.em.fork());
        return;
      } catch {
        // not yet
      }
    }
  }
  return async (read) => {
    try {
      return await read();
    } catch (error) {
      // An upstream that cannot be reached is no reason to wait, and not to be asked twice.
      if (isTidemarkError(error) || !isConnectionError(error)) throw error;
      back ??= look(error).finally(() => (back = undefined));
      await back;
      return read();
    }
  };
}
