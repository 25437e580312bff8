import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ContentKey } from '../../oci/content-source.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { threadOf } from '../../threads/download-threads.ts';
import { openCalls } from '../../threads/thread-calls.ts';
import type { ThreadCalls } from '../../threads/thread-calls.ts';
import { writeFully } from './block-writer.ts';
import type { BlockTarget } from './block-writer.ts';
import type { FileService, ServedFile } from './serve-file.ts';

/** A file with the hash of what was written to it. */
export interface FileTarget extends BlockTarget {
  /** The hash of all blocks, in hex. No block may follow. */
  digest(): Promise<string> | string;
  /** Frees what is not a handle of the caller. A second call has no effect. */
  close(): void;
}

export interface StreamHash {
  update(chunk: Uint8Array): unknown;
  digest(): string;
}

/** Below this, the messages cost more than the hash. */
const largeBytes = 1024 * 1024;

/** Large content is hashed and written on a thread, while this one serves others. */
export function createFileTarget(
  handle: FileHandle,
  path: string,
  { digest, size }: Pick<ContentKey, 'digest' | 'size'>,
): FileTarget {
  const algorithm = digestAlgorithm(digest);
  return size < largeBytes
    ? createLocalTarget(handle, () => {
        const hash = createHash(algorithm);
        return { update: (chunk) => hash.update(chunk), digest: () => hash.digest('hex') };
      })
    : createThreadTarget(handle, { path, algorithm });
}

/** @param openHash A new hash, also after a restart. */
export function createLocalTarget(handle: FileHandle, openHash: () => StreamHash): FileTarget {
  let hash = openHash();
  return {
    takes: () => true,
    allocate: (bytes) => Buffer.allocUnsafe(bytes),
    async write(block, position) {
      // The thread pool writes while this thread hashes.
      const writing = writeFully(handle, block, position);
      hash.update(block);
      await writing;
    },
    async restart() {
      await handle.truncate(0);
      hash = openHash();
    },
    digest: () => hash.digest(),
    close() {},
  };
}

function createThreadTarget(handle: FileHandle, file: ServedFile): FileTarget {
  let opened: ThreadCalls<FileService> | undefined;
  // A hash ends on the thread that it began on: the one that reads the socket.
  const callsFor = (block: Uint8Array) => (opened ??= openCalls(threadOf(block).open('file', file), {}));
  return {
    // Other memory would be cloned with the whole buffer around the chunk.
    takes: (chunk) => chunk.buffer instanceof SharedArrayBuffer,
    allocate: (bytes) => Buffer.from(new SharedArrayBuffer(bytes)),
    write: (bytes, position) => callsFor(bytes).call('write', { bytes, position }),
    async restart() {
      await handle.truncate(0);
      await opened?.call('restart', undefined);
    },
    digest: () => callsFor(new Uint8Array()).call('digest', undefined),
    close: () => opened?.close(),
  };
}
