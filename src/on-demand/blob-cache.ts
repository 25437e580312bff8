import type { Logger } from 'pino';
import type { ContentDeleter, RedirectingStore } from '../content/store.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import { uploadedBlobLock } from '../db/content/uploads.ts';
import { evictBlob, postpone, readCacheBytes, readOldest } from '../db/collection/evict-blobs.ts';
import type { Database } from '../db/open-database.ts';
import type { Digest } from '../oci/digest.ts';

export interface BlobCacheDeps {
  readonly database: Database;
  readonly store: ContentDeleter & Pick<RedirectingStore, 'signUrl'>;
  readonly blobLocks: BlobLocks;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** The limit of the blobs that pulls have fetched; undefined: none. */
  readonly cacheBytes?: number | undefined;
}

export interface BlobCache {
  /** Evicts until the blob fits, and keeps its bytes reserved during the work. A cache that cannot be emptied further does not fail it. */
  withRoom<T>(sizeBytes: number, work: () => Promise<T>): Promise<T>;
  /**
   * Evicts what is too much by now, without a wait: downloads may have been larger than the cache together. Call it without the lock of a blob, so
   * that this blob may leave too.
   */
  trim(): void;
  /** Waits for the evictions that have begun. Call it before the locks and the database are closed. */
  close(): Promise<void>;
}

const pageBlobs = 50;
/** Bounds one pass, which a pull waits for. The next pass goes on. */
const pagesAtOnce = 20;
/** Clients are redirected to a bucket by addresses that are valid for minutes. The last use is exact to the hour. */
const redirectSeconds = 2 * 3_600;

export function createBlobCache(deps: BlobCacheDeps): BlobCache {
  const { cacheBytes } = deps;
  if (cacheBytes === undefined)
    return { withRoom: (_, work) => work(), trim: () => undefined, close: () => Promise.resolve() };
  let reservedBytes = 0;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  /** Joins the pass that begins next, because one that has begun may not have seen the reservation. */
  function shrink(limit: number): Promise<void> {
    next ??= running.then(() => {
      next = undefined;
      running = evictDownTo(deps, () => limit - reservedBytes).catch((error: unknown) =>
        deps.logger.warn({ err: error }, 'blobs could not be evicted'),
      );
      return running;
    });
    return next;
  }

  return {
    async withRoom(sizeBytes, work) {
      reservedBytes += sizeBytes;
      try {
        // A manifest may claim any size. The cache is not emptied for what it cannot hold.
        if (sizeBytes <= cacheBytes) await shrink(cacheBytes);
        return await work();
      } finally {
        reservedBytes -= sizeBytes;
      }
    },
    trim: () => void shrink(cacheBytes),
    async close() {
      await next;
      await running;
    },
  };
}

async function evictDownTo(deps: BlobCacheDeps, limitBytes: () => number): Promise<void> {
  const em = deps.database.em.fork();
  const idleSeconds = deps.store.signUrl === undefined ? 0 : redirectSeconds;
  let evicted = 0;
  for (let page = 0; page < pagesAtOnce; page += 1) {
    let over = (await readCacheBytes(em)) - limitBytes();
    if (over <= 0) break;
    const oldest = await readOldest(em, { limit: pageBlobs, idleSeconds });
    if (oldest.length === 0) break;
    for (const { digest, sizeBytes, isEvictable } of oldest) {
      if (over <= 0) break;
      if (!isEvictable || !(await evict(deps, digest))) continue;
      evicted += 1;
      over -= sizeBytes;
    }
    const needed = oldest.filter(({ isEvictable }) => !isEvictable).map(({ digest }) => digest);
    if (needed.length > 0) await postpone(em, needed);
  }
  if (evicted > 0) deps.logger.info({ blobs: evicted }, 'evicted the least recently pulled layers');
}

/** Under the locks that downloads and uploads take. A pull that reads the bytes has the file open, or asks the upstream. */
async function evict({ database, store, blobLocks }: BlobCacheDeps, digest: Digest): Promise<boolean> {
  const keys = [digest, uploadedBlobLock(digest)];
  return blobLocks.withFree(keys, async (free) => {
    if (free.length < keys.length || !(await evictBlob(database.em.fork(), digest))) return false;
    await store.delete({ digest });
    return true;
  });
}
