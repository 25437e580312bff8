import type { Logger } from 'pino';
import type { Database } from '../db/open-database.ts';
import { recordUses } from '../db/content/cached-blobs.ts';
import type { BlobUse } from '../db/content/cached-blobs.ts';
import { addPulls } from '../db/pulls/pull-days.ts';
import type { PullCount } from '../db/pulls/pull-days.ts';
import type { PullCounter } from './dependencies.ts';
import { repeat } from './repeat.ts';

export interface PullCounterOptions {
  readonly database: Database;
  readonly logger: Logger;
  /** Pause between two writes; default: five seconds. */
  readonly everyMs?: number;
  /** Called with the repositories for which more is in the cache now. */
  readonly onCached: (repositoryIds: readonly number[]) => void;
}

/** Counts in memory, so that no pull waits for it. A process that is killed loses the counts of the last seconds. */
export function startPullCounter(options: PullCounterOptions): PullCounter & { close(): Promise<void> } {
  const { database, logger, everyMs = 5_000, onCached } = options;
  let counts = new Map<number, PullCount>();
  let used = new Map<string, BlobUse>();

  function count({ repositoryId, pulls, bytes }: PullCount): void {
    const before = counts.get(repositoryId);
    counts.set(repositoryId, {
      repositoryId,
      pulls: (before?.pulls ?? 0) + pulls,
      bytes: (before?.bytes ?? 0) + bytes,
    });
  }

  async function writeUses(): Promise<void> {
    if (used.size === 0) return;
    const written = used;
    used = new Map();
    try {
      const repositoryIds = await recordUses(database.em.fork(), [...written.values()]);
      if (repositoryIds.length > 0) onCached(repositoryIds);
    } catch (error) {
      logger.warn({ err: error }, 'the last uses of blobs could not be written');
    }
  }

  async function write(): Promise<void> {
    await writeUses();
    if (counts.size === 0) return;
    const written = counts;
    counts = new Map();
    try {
      await addPulls(database.em.fork(), [...written.values()]);
    } catch (error) {
      logger.warn({ err: error }, 'pulls could not be counted; trying again');
      for (const each of written.values()) count(each);
    }
  }

  const stop = repeat(async () => {
    await write();
    return everyMs;
  });
  return {
    count,
    use: (blob) => void used.set(`${blob.repositoryId} ${blob.digest}`, blob),
    async close() {
      await stop();
      await write();
    },
  };
}
