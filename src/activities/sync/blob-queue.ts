import type { BlobLocks } from '../../db/content/blob-lock.ts';
import type { BatchBlob } from '../../db/staging/sync-blobs.ts';
import type { Digest } from '../../oci/digest.ts';

/** A blob whose turn has come. */
export interface QueuedBlob {
  readonly blob: BatchBlob;
  /** Whether its lock is held already; another's is to be waited for. */
  readonly isLocked: boolean;
  /** To be called when the blob is done with, whatever became of it. */
  readonly done: () => Promise<void>;
}

export interface BlobQueue extends AsyncIterable<QueuedBlob> {
  /** Gives back the locks that are still held. */
  close(): Promise<void>;
}

/** Blobs that are locked in one statement: a few small ones for each lane, or one large one, so that nobody waits long for a lock that is not in use. */
const groupAtMost = { countPerLane: 4, bytes: 8 * 1024 * 1024 };

/**
 * Gives blobs out with their locks taken, those of many blobs at once. Blobs that others hold come last, without: so whoever waits for
 * another's lock holds none that is not in use, and two syncs cannot wait for each other.
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
