import { open } from 'node:fs/promises';
import type { ContentKey } from '../../oci/content-source.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { createBlockWriter } from './block-writer.ts';
import { createStreamHash } from './hash-thread.ts';
import { onDisk } from '../storage-error.ts';

/** A file of one attempt, being written and hashed. Nobody else writes it; others may read it to resume. */
export interface PartialFile {
  readonly path: string;
  /** Bytes taken: hashed, and written but for at most one block that is still being filled. */
  readonly sizeBytes: number;
  /** Bytes that others may read from the file. */
  readonly writtenBytes: number;
  /** Writes what is left in a block; may run beside `append`. */
  flush(): Promise<void>;
  /** Writes and hashes; when it returns, the chunk may be reused. */
  append(chunk: Uint8Array): Promise<void>;
  /** Back to nothing, for a source that answers from its first byte. */
  restart(): Promise<void>;
  /** The digest of what was appended. Nothing can be appended afterwards. */
  finish(): Promise<Digest>;
  /** Writes what is left, and waits for the disk. */
  sync(): Promise<void>;
  /** Writes what is left, and closes; closed also when that fails. */
  close(): Promise<void>;
}

/** Creates the file, which must not exist; its digest is counted in the algorithm of the one expected. */
export async function createPartialFile(path: string, expected: ContentKey): Promise<PartialFile> {
  const handle = await onDisk('creating a partial file', open(path, 'wx', 0o600));
  const writer = createBlockWriter(handle, expected.size);
  const algorithm = digestAlgorithm(expected.digest);
  let hash = createStreamHash(algorithm, expected.size);
  let sizeBytes = 0;
  let isFinished = false;
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    get writtenBytes() {
      return writer.writtenBytes;
    },
    flush: () => onDisk(`writing ${expected.digest}`, writer.flush()),
    async append(chunk) {
      // The write runs in the thread pool while this thread hashes, or another.
      const writing = onDisk(`writing ${expected.digest}`, writer.write(chunk));
      const hashing = hash.update(chunk);
      // The chunk is in use until both are done, also when one fails.
      await Promise.allSettled([writing, hashing]);
      await writing;
      await hashing;
      sizeBytes += chunk.byteLength;
    },
    async restart() {
      await onDisk(`truncating the partial file of ${expected.digest}`, writer.rewind());
      hash.drop();
      hash = createStreamHash(algorithm, expected.size);
      sizeBytes = 0;
    },
    async finish() {
      isFinished = true;
      return `${algorithm}:${await hash.digest()}` as Digest;
    },
    async sync() {
      await onDisk(`writing ${expected.digest}`, writer.flush());
      await onDisk(`fsync of ${expected.digest}`, handle.sync());
    },
    async close() {
      try {
        await onDisk(`writing ${expected.digest}`, writer.flush());
      } finally {
        if (!isFinished) hash.drop();
        await onDisk(`closing ${expected.digest}`, handle.close());
      }
    },
  };
}
