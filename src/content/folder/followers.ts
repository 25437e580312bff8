import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { ContentBody, ContentKey, ContentSource, FetchOptions } from '../../oci/content-source.ts';
import { TidemarkError } from '../../oci/error.ts';
import { abortable } from '../abortable.ts';
import type { PartialBlob } from './partial-blob.ts';
import type { PartialFile } from './partial-file.ts';
import { keepBuffer, takeBuffer } from './read-buffers.ts';
import { onDisk } from '../storage-error.ts';

/** The readers of a growing file. The last requested byte is withheld until the whole blob is verified. */
export interface Followers {
  /** More bytes are available. */
  wake(): void;
  /** The bytes start again: readers of the old bytes must not continue with the new ones. */
  restart(): void;
  verified(): void;
  /** No more bytes follow. With an error, waiting readers reject with it. */
  end(reason: unknown): Promise<void>;
  follow(options: FetchOptions | undefined): ContentBody;
}

const readBytes = 1024 * 1024;

/** The state that the readers share. */
interface Growth {
  readonly descriptor: ContentKey;
  readonly file: Pick<PartialFile, 'writtenBytes'>;
  readonly handle: FileHandle;
  generation: number;
  isVerified: boolean;
  failure: { readonly reason: unknown } | undefined;
  /** Called at the next change. */
  waiting: (() => void)[];
}

/** @param store Serves readers that start after the end. */
export async function createFollowers(
  store: ContentSource,
  descriptor: ContentKey,
  { path, file }: Pick<PartialBlob, 'path' | 'file'>,
): Promise<Followers> {
  const handle = await onDisk('opening a partial file', open(path, 'r'));
  const growth: Growth = {
    descriptor,
    file,
    handle,
    generation: 0,
    isVerified: false,
    failure: undefined,
    waiting: [],
  };
  let readers = 0;
  let hasEnded = false;
  let isOpen = true;

  const closeWhenIdle = async (): Promise<void> => {
    if (!hasEnded || readers > 0 || !isOpen) return;
    isOpen = false;
    await handle.close();
  };

  async function* follow(begin: number, end: number, options: FetchOptions): AsyncGenerator<Uint8Array> {
    if (!isOpen && growth.failure !== undefined) throw growth.failure.reason;
    if (!isOpen) return yield* (await store.fetch(descriptor, options)).bytes;
    readers += 1;
    try {
      yield* readGrowing(growth, [begin, end], options);
    } finally {
      readers -= 1;
      await closeWhenIdle();
    }
  }

  return {
    wake: () => wake(growth),
    restart() {
      growth.generation += 1;
    },
    verified() {
      growth.isVerified = true;
      wake(growth);
    },
    async end(reason) {
      hasEnded = true;
      if (reason !== undefined) growth.failure = { reason };
      wake(growth);
      await closeWhenIdle();
    },
    follow(options = {}) {
      const { offset = 0, lengthBytes = descriptor.size - offset } = options;
      return { offset, bytes: follow(offset, Math.min(offset + lengthBytes, descriptor.size), options) };
    },
  };
}

async function* readGrowing(
  growth: Growth,
  [begin, end]: readonly [number, number],
  { chunkBytes = readBytes, signal }: FetchOptions,
): AsyncGenerator<Uint8Array> {
  const { descriptor, file, handle } = growth;
  const buffer = takeBuffer(chunkBytes, end - begin);
  let { generation } = growth;
  try {
    for (let position = begin; position < end;) {
      signal?.throwIfAborted();
      if (growth.failure !== undefined && !growth.isVerified) throw growth.failure.reason;
      // A reader without bytes may start with the current generation.
      if (position === begin) ({ generation } = growth);
      const limit = growth.isVerified ? end : Math.min(file.writtenBytes, end - 1);
      if (position >= limit) {
        await abortable(nextChange(growth), signal);
        continue;
      }
      const wanted = Math.min(buffer.byteLength, limit - position);
      const read = handle.read(buffer, 0, wanted, position);
      const { bytesRead } = await onDisk(`reading ${descriptor.digest}`, read);
      if (generation !== growth.generation && position === begin) continue;
      if (generation !== growth.generation || bytesRead === 0) throw begunAnew(descriptor);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    keepBuffer(buffer);
  }
}

function nextChange(growth: Growth): Promise<void> {
  return new Promise((resolve) => growth.waiting.push(resolve));
}

function wake(growth: Growth): void {
  const { waiting } = growth;
  growth.waiting = [];
  for (const go of waiting) go();
}

function begunAnew({ digest }: ContentKey): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `The upstream interrupted ${digest} and started again; the bytes read before may differ. Try again.`,
    { retryable: true },
  );
}
