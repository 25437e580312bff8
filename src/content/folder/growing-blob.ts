import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import type { GrowingBlob, PushOptions } from '../store.ts';
import { createFollowers } from './followers.ts';
import type { Followers } from './followers.ts';
import { openPartialBlob } from './partial-blob.ts';
import type { PartialBlob, PartialPlace } from './partial-blob.ts';

/** Small chunks are gathered before they are written; readers wait at most this long for them. */
const flushEveryMs = 50;

/** @param store Serves readers that start after the blob is stored. */
export async function openGrowingBlob(
  place: PartialPlace,
  store: ContentSource,
  descriptor: ContentKey,
  options: Pick<PushOptions, 'apart' | 'signal'>,
): Promise<GrowingBlob> {
  const blob = await openPartialBlob({ ...place, fsync: true }, descriptor, options);
  try {
    return createGrowingBlob(blob, await createFollowers(store, descriptor, blob));
  } catch (error) {
    await blob.fail(error);
    throw error;
  }
}

function createGrowingBlob(blob: PartialBlob, followers: Followers): GrowingBlob {
  const { file } = blob;
  let flushing: Promise<unknown> = Promise.resolve();
  // A failed flush fails again at the next write, which is awaited.
  const flush = () => {
    flushing = Promise.allSettled([file.flush()]).then(() => followers.wake());
  };
  const timer = setInterval(flush, flushEveryMs);
  const stopFlushing = () => {
    clearInterval(timer);
    return flushing;
  };
  const sink = {
    get sizeBytes() {
      return file.sizeBytes;
    },
    async append(chunk: Uint8Array) {
      await file.append(chunk);
      followers.wake();
    },
    async restart() {
      await flushing;
      followers.restart();
      await file.restart();
    },
  };
  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    async receive(source, signal) {
      const { mismatch } = await blob.receive(source, { signal }, sink);
      if (mismatch !== undefined) throw mismatch;
    },
    async finish() {
      const mismatch = await blob.verify();
      if (mismatch !== undefined) throw mismatch;
      followers.verified();
      await stopFlushing();
      await blob.publish();
      await followers.end(undefined);
    },
    async fail(reason) {
      await followers.end(reason);
      await stopFlushing();
      await blob.fail(reason);
    },
    fetch: (_, options) => Promise.resolve(followers.follow(options)),
  };
}
