import { readProxyLimits } from '../db/content/cached-blobs.ts';
import type { Digest } from '../oci/digest.ts';
import { createCacheLimit } from './cache-limit.ts';
import type { CacheLimit, EvictionDeps } from './cache-limit.ts';

export interface BlobCacheDeps extends EvictionDeps {
  /** The limit of the blobs that pulls have fetched; undefined: none. */
  readonly cacheBytes?: number | undefined;
}

/** A blob that a pull stores. */
export interface PulledBlob {
  readonly repositoryId: number;
  readonly digest: Digest;
  /** As a manifest claims. */
  readonly sizeBytes: number;
}

/** The room of a blob in the caches that it will be in. */
export interface Room {
  /**
   * So many bytes have come: evicts until they fit, and keeps them reserved. A manifest may claim any size, so nothing is evicted for bytes
   * that the upstream does not send, up to twice what has come.
   */
  reach(receivedBytes: number): Promise<void>;
  /**
   * Ends the reservation, and evicts what is too much by now, without a wait: downloads may have been larger than a cache together. Call it
   * without the lock of the blob, so that this blob may leave too.
   */
  leave(): void;
}

export interface BlobCache {
  open(blob: PulledBlob): Promise<Room>;
  /** Evicts what the proxies of these repositories have too much, without a wait. */
  trim(repositoryIds: readonly number[]): void;
  /** Waits for the evictions that have begun. Call it before the locks and the database are closed. */
  close(): Promise<void>;
}

/** The first room of a download. Each eviction doubles it, so that a large blob needs few. */
const leastRoomBytes = 1024 * 1024;

interface OpenLimit {
  readonly limit: CacheLimit;
  readonly limitBytes: number;
}

export function createBlobCache(deps: BlobCacheDeps): BlobCache {
  const limits = new Map<number | null, CacheLimit>();
  const trimming = new Set<Promise<void>>();

  function limitOf(proxyId: number | null): CacheLimit {
    const limit = limits.get(proxyId) ?? createCacheLimit(deps, proxyId);
    limits.set(proxyId, limit);
    return limit;
  }

  async function readLimits(repositoryIds: readonly number[]): Promise<OpenLimit[]> {
    const found = await readProxyLimits(deps.database.em.fork(), repositoryIds);
    const whole = deps.cacheBytes === undefined ? [] : [{ proxyId: null, limitBytes: deps.cacheBytes }];
    return [...found, ...whole].map(({ proxyId, limitBytes }) => ({ limit: limitOf(proxyId), limitBytes }));
  }

  function behind(work: () => Promise<void>): void {
    const done = work().catch((error: unknown) =>
      deps.logger.warn({ err: error }, 'the limits of caches could not be read'),
    );
    trimming.add(done);
    void done.finally(() => trimming.delete(done));
  }

  return {
    async open(blob) {
      const own = await readLimits([blob.repositoryId]);
      const room = createRoom(own, blob);
      return {
        reach: (receivedBytes) => room.reach(receivedBytes),
        leave: () => behind(() => room.leave()),
      };
    },
    trim: (repositoryIds) =>
      behind(async () => {
        for (const { limit, limitBytes } of await readLimits(repositoryIds)) await limit.shrink(limitBytes);
      }),
    async close() {
      await Promise.all(trimming);
      await Promise.all([...limits.values()].map((limit) => limit.settle()));
    },
  };
}

function createRoom(limits: readonly OpenLimit[], { digest, sizeBytes }: PulledBlob) {
  const download = { digest, sizeBytes };
  let reservedBytes = 0;
  const reserve = (bytes: number) => {
    for (const { limit } of limits) limit.reserve(download, bytes);
    reservedBytes = bytes;
  };
  return {
    async reach(receivedBytes: number): Promise<void> {
      if (receivedBytes <= reservedBytes || limits.length === 0) return;
      reserve(Math.min(sizeBytes, Math.max(leastRoomBytes, 2 * receivedBytes)));
      for (const { limit, limitBytes } of limits)
        // A cache is not emptied for what it cannot hold.
        if (sizeBytes <= limitBytes) await limit.shrink(limitBytes);
    },
    async leave(): Promise<void> {
      for (const { limit, limitBytes } of limits) if (sizeBytes <= limitBytes) limit.reserve(download, 0);
      for (const { limit, limitBytes } of limits) {
        if (sizeBytes > limitBytes) await limit.evict(digest);
        limit.reserve(download, 0);
        await limit.shrink(limitBytes);
      }
    },
  };
}
