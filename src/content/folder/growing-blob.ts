import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { digestMismatch } from '../content-error.ts';
import { createFollowers } from './followers.ts';
import type { Followers } from './followers.ts';
import { createPartialFile } from './partial-file.ts';
import type { PartialFile } from './partial-file.ts';
import { findPartials, newPartialPath, removeFile } from './partial-folder.ts';
import type { Partial } from './partial-folder.ts';
import { copyPartial } from './push-by-file.ts';
import { receiveBody } from './receive-body.ts';

/** A blob on its way into a store: one fetches, any number of readers follow it, each as fast as it can. */
export interface GrowingBlob extends ContentSource {
  /** Bytes that came so far. */
  readonly sizeBytes: number;
  /**
   * Takes from the source what is missing. After it threw, it may be called again, with this or another source, and goes on from there.
   * @throws as `ContentStore.push`
   */
  receive(source: ContentSource, signal: AbortSignal): Promise<void>;
  /**
   * Verifies the digest, lets the readers have their last byte, and stores the blob.
   * @throws TidemarkError `DIGEST_MISMATCH`, or what the store threw.
   */
  finish(): Promise<void>;
  /** Breaks off all readers that have not got everything. Bytes that may be right stay, and are resumed. */
  fail(reason: unknown): Promise<void>;
}

export interface GrowingBlobPlace {
  /** Of the blob store: what stays here is resumed or swept as what its own pushes leave. */
  readonly partialFolder: string;
  /** As of a push. */
  readonly apart?: string | undefined;
  readonly store: ContentSource & { adopt(descriptor: ContentKey, path: string): Promise<void> };
}

/** Small chunks are gathered before they are written; readers wait no longer than this for them. */
const flushEveryMs = 50;

/** What came of an earlier attempt, of this process or another, is taken over. The caller sees to it that there is one attempt at a time. */
export async function openGrowingBlob(
  place: GrowingBlobPlace,
  descriptor: ContentKey,
  signal: AbortSignal,
): Promise<GrowingBlob> {
  const [resumed] = await findPartials(place.partialFolder, descriptor.digest, place.apart);
  const path = newPartialPath(place.partialFolder, descriptor.digest, place.apart);
  const file = await createPartialFile(path, descriptor);
  try {
    if (resumed !== undefined && resumed.sizeBytes <= descriptor.size)
      await copyPartial(resumed, file, descriptor, { signal });
    const followers = await createFollowers(place.store, descriptor, file);
    return createGrowingBlob(place, { descriptor, file, followers, resumed });
  } catch (error) {
    await file.close().catch(() => undefined);
    await removeFile(path);
    throw error;
  }
}

interface Parts {
  readonly descriptor: ContentKey;
  readonly file: PartialFile;
  readonly followers: Followers;
  readonly resumed: Partial | undefined;
}

function createGrowingBlob(place: GrowingBlobPlace, parts: Parts): GrowingBlob {
  const { descriptor, file, followers, resumed } = parts;
  let flushing = Promise.resolve();
  let isClosed = false;
  const flush = () => {
    flushing = flushQuietly(file, followers);
  };
  const timer = setInterval(flush, flushEveryMs);
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

  async function close(): Promise<void> {
    clearInterval(timer);
    await flushing;
    if (!isClosed) await file.close();
    isClosed = true;
  }

  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    async receive(source, signal) {
      if (file.sizeBytes === descriptor.size) return;
      const { mismatch } = await receiveBody(sink, descriptor, source, { signal });
      if (mismatch !== undefined) throw mismatch;
    },
    async finish() {
      const actual = await file.finish();
      if (actual !== descriptor.digest) throw digestMismatch(descriptor, actual);
      await file.sync();
      followers.verified();
      await close();
      await place.store.adopt(descriptor, file.path);
      if (resumed !== undefined) await removeFile(resumed.path);
      await followers.end(undefined);
    },
    async fail(reason) {
      await followers.end(reason);
      // the first error says more than a failure to clean up; the sweep finds what stays
      await Promise.allSettled([close()]);
      await Promise.allSettled([tidy(file, resumed, reason)]);
    },
    fetch: (_, options) => Promise.resolve(followers.follow(options)),
  };
}

/** What fails here fails at the next write, too, which is waited for. */
async function flushQuietly(file: PartialFile, followers: Followers): Promise<void> {
  await Promise.allSettled([file.flush()]);
  followers.wake();
}

const wrong = new Set(['DIGEST_MISMATCH', 'SIZE_MISMATCH', 'STORAGE_FULL']);

/** One partial file stays: the longer one; none where the bytes are wrong or the disk is full. */
async function tidy(file: PartialFile, resumed: Partial | undefined, error: unknown): Promise<void> {
  const isWrong = isTidemarkError(error) && wrong.has(error.code);
  const isShorter = file.sizeBytes <= (resumed?.sizeBytes ?? 0);
  if (isWrong || isShorter) await removeFile(file.path);
  if (resumed !== undefined && (isWrong || !isShorter)) await removeFile(resumed.path);
}
