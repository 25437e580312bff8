import { open } from 'node:fs/promises';
import type { ContentBody, ContentKey, ContentSource, FetchOptions } from '../oci/content-source.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { abortable } from './abortable.ts';
import { digestMismatch } from './content-error.ts';
import { copyPartial } from './folder-push.ts';
import { createPartialFile } from './partial-file.ts';
import type { PartialFile } from './partial-file.ts';
import { findPartials, newPartialPath, removeFile } from './partial-folder.ts';
import type { Partial } from './partial-folder.ts';
import { receiveBody } from './receive-body.ts';
import { onDisk } from './storage-error.ts';

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
  readonly store: ContentSource & { adopt(descriptor: ContentKey, path: string): Promise<void> };
}

/** Small chunks are gathered before they are written; readers wait no longer than this for them. */
const flushEveryMs = 50;
const readBytes = 1024 * 1024;

/** What came of an earlier attempt, of this process or another, is taken over. The caller sees to it that there is one attempt at a time. */
export async function openGrowingBlob(
  place: GrowingBlobPlace,
  descriptor: ContentKey,
  signal: AbortSignal,
): Promise<GrowingBlob> {
  const [resumed] = await findPartials(place.partialFolder, descriptor.digest);
  const path = newPartialPath(place.partialFolder, descriptor.digest);
  const file = await createPartialFile(path, descriptor);
  try {
    if (resumed !== undefined && resumed.sizeBytes <= descriptor.size)
      await copyPartial(resumed, file, descriptor, { signal });
    const followers = await createFollowers(place, descriptor, file);
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
      const actual = file.finish();
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

interface Followers {
  wake(): void;
  /** The bytes begin anew: who has read some of the old ones must not go on with the new. */
  restart(): void;
  verified(): void;
  /** No more bytes come. With an error, readers that wait for some are told it. */
  end(error: unknown): Promise<void>;
  follow(options: FetchOptions | undefined): ContentBody;
}

/** The readers of a growing file, which they share. None gets the last byte that it asked for before the whole is verified. */
async function createFollowers(
  { store }: GrowingBlobPlace,
  descriptor: ContentKey,
  file: PartialFile,
): Promise<Followers> {
  const handle = await onDisk('opening a partial file', open(file.path, 'r'));
  let waiting: (() => void)[] = [];
  let readers = 0;
  let generation = 0;
  let isVerified = false;
  let hasEnded = false;
  let isOpen = true;
  let failure: { readonly error: unknown } | undefined;

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  };
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));
  const closeWhenIdle = async (): Promise<void> => {
    if (!hasEnded || readers > 0 || !isOpen) return;
    isOpen = false;
    await handle.close();
  };

  async function* read(begin: number, end: number, options: FetchOptions): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(Math.min(options.chunkBytes ?? readBytes, end - begin));
    let seen = generation;
    for (let position = begin; position < end;) {
      options.signal?.throwIfAborted();
      if (failure !== undefined && !isVerified) throw failure.error;
      const limit = isVerified ? end : Math.min(file.writtenBytes, end - 1);
      if (position < limit) {
        if (position === begin) seen = generation;
        const wanted = Math.min(buffer.byteLength, limit - position);
        const { bytesRead } = await onDisk(
          `reading ${descriptor.digest}`,
          handle.read(buffer, 0, wanted, position),
        );
        if (seen !== generation && position === begin) continue;
        if (seen !== generation || bytesRead === 0) throw begunAnew(descriptor);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else await abortable(change(), options.signal);
    }
  }

  async function* follow(begin: number, end: number, options: FetchOptions): AsyncGenerator<Uint8Array> {
    // who comes to read when all is over has it from the store
    if (!isOpen && failure === undefined) return yield* (await store.fetch(descriptor, options)).bytes;
    if (!isOpen) throw failure?.error;
    readers += 1;
    try {
      yield* read(begin, end, options);
    } finally {
      readers -= 1;
      await closeWhenIdle();
    }
  }

  return {
    wake,
    restart() {
      generation += 1;
    },
    verified() {
      isVerified = true;
      wake();
    },
    async end(error) {
      hasEnded = true;
      if (error !== undefined) failure = { error };
      wake();
      await closeWhenIdle();
    },
    follow(options = {}) {
      const { offset = 0, lengthBytes = descriptor.size - offset } = options;
      return { offset, bytes: follow(offset, Math.min(offset + lengthBytes, descriptor.size), options) };
    },
  };
}

function begunAnew({ digest }: ContentKey): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `The upstream broke off in ${digest} and began it anew; what was read of it before may differ. Try again.`,
    { retryable: true },
  );
}
