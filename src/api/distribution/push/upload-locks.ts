import type { FastifyInstance } from 'fastify';
import { createBlobLocks } from '../../../db/content/blob-lock.ts';

/** Locks of pushes, across all processes. */
export interface UploadLocks {
  /** Only one request at a time writes to an upload. */
  alone<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Keeps garbage collection from the named blob. Other pushes do not wait: a wait would reveal this one. */
  guarded<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** How long a request waits for another that writes to the same upload. */
const maxWaitMs = 30_000;

export function createUploadLocks(app: FastifyInstance, databaseUrl: string): UploadLocks {
  const locks = createBlobLocks(databaseUrl);
  const writes = new Set<Promise<unknown>>();
  app.addHook('onClose', async () => {
    // The connections may be gone. Received bytes are recorded and continue after the restart (fault 115).
    await Promise.allSettled(writes);
    await locks.close();
  });
  async function tracked<T>(write: Promise<T>): Promise<T> {
    writes.add(write);
    try {
      return await write;
    } finally {
      writes.delete(write);
    }
  }
  return {
    alone: (key, work) => tracked(locks.withLock(key, AbortSignal.timeout(maxWaitMs), work)),
    guarded: (key, work) => tracked(locks.withShared(key, AbortSignal.timeout(maxWaitMs), work)),
  };
}
