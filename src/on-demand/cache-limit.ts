import type { Logger } from 'pino';
import type { ContentDeleter, RedirectingStore } from '../content/store.ts';
import { evictBlob, postpone, readCacheBytes, readOldest } from '../db/collection/evict-blobs.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import { uploadedBlobLock } from '../db/content/uploads.ts';
import type { Database, Em } from '../db/open-database.ts';
import type { Digest } from '../oci/digest.ts';

export interface EvictionDeps {
  readonly database: Database;
  readonly store: ContentDeleter & Pick<RedirectingStore, 'signUrl'>;
  readonly blobLocks: BlobLocks;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Each has an object of its own. */
export interface Download {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** The cache of a proxy, or the whole one, as this process fills it. */
export interface CacheLimit {
  /** Keeps so many bytes free for a download; 0 ends that. */
  reserve(download: Download, bytes: number): void;
  /** Evicts until the limit holds, the reserved bytes included. A cache that cannot be emptied further does not fail it. */
  shrink(limitBytes: number): Promise<void>;
  /** Evicts one blob, unless it is needed, or clients may have been redirected to it. */
  evict(digest: Digest): Promise<void>;
  /** Waits for the evictions that have begun. */
  settle(): Promise<void>;
}

const pageBlobs = 50;
/** Bounds one pass, which a pull waits for. The next pass goes on. */
const pagesAtOnce = 20;
/** Clients are redirected to a bucket by addresses that are valid for minutes. The last use is exact to the hour. */
const redirectSeconds = 2 * 3_600;

/** @param proxyId Null: the whole cache. */
export function createCacheLimit(deps: EvictionDeps, proxyId: number | null): CacheLimit {
  const idleSeconds = deps.store.signUrl === undefined ? 0 : redirectSeconds;
  const evicting = { ...deps, proxyId, idleSeconds };
  const reserved = new Map<Download, number>();
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const logged = (work: Promise<void>) =>
    work.catch((error: unknown) => deps.logger.warn({ err: error, proxyId }, 'blobs could not be evicted'));
  const after = (work: () => Promise<void>) => {
    running = running.then(() => logged(work()));
    return running;
  };
  return {
    reserve: (download, bytes) =>
      void (bytes > 0 ? reserved.set(download, bytes) : reserved.delete(download)),
    shrink(limitBytes) {
      // Joins the pass that begins next, because one that has begun may not have seen the reservation.
      next ??= after(() => {
        next = undefined;
        return evictDownTo(evicting, limitBytes, reserved);
      });
      return next;
    },
    evict: (digest) => after(async () => void (idleSeconds === 0 && (await evict(evicting, digest)))),
    settle: () => running,
  };
}

interface Evicting extends EvictionDeps {
  readonly proxyId: number | null;
  readonly idleSeconds: number;
}

async function evictDownTo(
  evicting: Evicting,
  limitBytes: number,
  reserved: ReadonlyMap<Download, number>,
): Promise<void> {
  const { database, logger, proxyId, idleSeconds } = evicting;
  const em = database.em.fork();
  let evicted = 0;
  for (let page = 0; page < pagesAtOnce; page += 1) {
    let over = (await readUsedBytes(em, { proxyId, limitBytes }, reserved)) - limitBytes;
    if (over <= 0) break;
    const oldest = await readOldest(em, proxyId, { limit: pageBlobs, idleSeconds });
    if (oldest.length === 0) break;
    for (const { digest, sizeBytes, isEvictable } of oldest) {
      if (over <= 0) break;
      if (!isEvictable || !(await evict(evicting, digest))) continue;
      evicted += 1;
      over -= sizeBytes;
    }
    const needed = oldest.filter(({ isEvictable }) => !isEvictable).map(({ digest }) => digest);
    if (needed.length > 0) await postpone(em, needed);
  }
  if (evicted > 0) logger.info({ blobs: evicted, proxyId }, 'evicted the least recently pulled layers');
}

/**
 * The bytes that are stored or reserved. A download that has all its bytes may be stored meanwhile, so it counts as reserved only. One that the
 * cache cannot hold does not count: it leaves at once, and nothing is evicted for it.
 */
async function readUsedBytes(
  em: Em,
  { proxyId, limitBytes }: { readonly proxyId: number | null; readonly limitBytes: number },
  reserved: ReadonlyMap<Download, number>,
): Promise<number> {
  let reservedBytes = 0;
  const whole: Digest[] = [];
  for (const [{ digest, sizeBytes }, bytes] of reserved) {
    const isTooLarge = sizeBytes > limitBytes;
    if (!isTooLarge) reservedBytes += bytes;
    if (isTooLarge || bytes >= sizeBytes) whole.push(digest);
  }
  return reservedBytes + (await readCacheBytes(em, proxyId, whole));
}

/** Under the locks that downloads and uploads take. A pull that reads the bytes has the file open, or asks the upstream. */
async function evict({ database, store, blobLocks, proxyId }: Evicting, digest: Digest): Promise<boolean> {
  const keys = [digest, uploadedBlobLock(digest)];
  return blobLocks.withFree(keys, async (free) => {
    if (free.length < keys.length) return false;
    const eviction = await evictBlob(database.em.fork(), digest, proxyId);
    if (eviction === 'evicted') await store.delete({ digest });
    return eviction !== 'needed';
  });
}
