import type { BlobLocks } from '../../db/content/blob-lock.ts';
import type { BatchBlob } from '../../db/staging/sync-blobs.ts';
import type { Digest } from '../../oci/digest.ts';

export interface QueuedBlob {
  readonly blob: BatchBlob;
  /** Whether its lock is held. Otherwise another process holds it. */
  readonly isLocked: boolean;
  /** Must be called when the work on the blob ends, also after an error. */
  readonly done: () => Promise<void>;
}

export interface BlobQueue extends AsyncIterable<QueuedBlob> {
  /** Releases the locks that are still held. */
  close(): Promise<void>;
}

/** Blobs locked by one statement: a few small ones for each lane, or one large one. An idle lock must not block others for long. */
const groupAtMost = { countPerLane: 4, bytes: 8 * 1024 * 1024 };

/**
 * Yields blobs with their locks taken in groups. Blobs that others have locked come last and unlocked. So a sync that waits for a lock has
 * no idle lock, and two syncs cannot wait for each other.
 */
export function createBlobQueue(
  locks: Pick<BlobLocks, 'takeFree'>,
  pages: AsyncIterable<readonly BatchBlob[]>,
  concurrency: number,
  lockOf: (digest: Digest) => string = (digest) => digest,
): BlobQueue {
  const held = new Set<() => Promise<void>>();

  async function lockGroup(blobs: readonly BatchBlob[]) {
    const taken = await locks.takeFree(blobs.map(({ digest }) => lockOf(digest)));
    const keys = new Set<string>(taken.keys);
    const release = async () => {
      if (held.delete(release)) await taken.release();
    };
    held.add(release);
    let left = keys.size;
    if (left === 0) await release();
    const done = async () => {
      left -= 1;
      if (left === 0) await release();
    };
    const free = blobs.filter(({ digest }) => keys.has(lockOf(digest)));
    const busy = blobs.filter(({ digest }) => !keys.has(lockOf(digest)));
    return { free: free.map((blob) => ({ blob, isLocked: true, done })), busy };
  }

  async function* give(): AsyncGenerator<QueuedBlob> {
    const busy: BatchBlob[] = [];
    for await (const page of pages)
      for (const blobs of groups(page, concurrency * groupAtMost.countPerLane)) {
        const group = await lockGroup(blobs);
        busy.push(...group.busy);
        yield* group.free;
      }
    for (const blob of busy) yield { blob, isLocked: false, done: () => Promise.resolve() };
  }

  return {
    [Symbol.asyncIterator]: give,
    close: async () => void (await Promise.all([...held].map((release) => release()))),
  };
}

function* groups(blobs: readonly BatchBlob[], countAtMost: number): Generator<readonly BatchBlob[]> {
  let group: BatchBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (group.length === countAtMost || (group.length > 0 && bytes + blob.sizeBytes > groupAtMost.bytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(blob);
    bytes += blob.sizeBytes;
  }
  if (group.length > 0) yield group;
}
