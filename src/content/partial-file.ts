import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Digest } from '../oci/digest.ts';
import { digestAlgorithm } from '../oci/digest.ts';
import { onDisk } from './storage-error.ts';

/** A file of one attempt, being written and hashed. Nobody else writes it; others may read it to resume. */
export interface PartialFile {
  readonly path: string;
  /** Bytes written and hashed. */
  readonly sizeBytes: number;
  /** Writes and hashes; when it returns, the chunk may be reused. */
  append(chunk: Uint8Array): Promise<void>;
  /** Back to nothing, for a source that answers from its first byte. */
  restart(): Promise<void>;
  /** The digest of what was appended. Nothing can be appended afterwards. */
  finish(): Digest;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Creates the file, which must not exist; its digest is counted in the algorithm of the one expected. */
export async function createPartialFile(path: string, expected: Digest): Promise<PartialFile> {
  const handle = await onDisk('creating a partial file', open(path, 'wx', 0o644));
  const algorithm = digestAlgorithm(expected);
  let hash = createHash(algorithm);
  let sizeBytes = 0;
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    async append(chunk) {
      // The write runs in the thread pool while this thread hashes.
      const writing = writeFully(handle, chunk, sizeBytes);
      hash.update(chunk);
      await onDisk(`writing ${expected}`, writing);
      sizeBytes += chunk.byteLength;
    },
    async restart() {
      await onDisk(`truncating the partial file of ${expected}`, handle.truncate(0));
      hash = createHash(algorithm);
      sizeBytes = 0;
    },
    finish: () => `${algorithm}:${hash.digest('hex')}` as Digest,
    sync: () => onDisk(`fsync of ${expected}`, handle.sync()),
    close: () => onDisk(`closing ${expected}`, handle.close()),
  };
}

async function writeFully(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength)
    done += (await handle.write(chunk, done, chunk.byteLength - done, position + done)).bytesWritten;
}
