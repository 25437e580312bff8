import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { ContentKey } from '../../oci/content-source.ts';
import { createBlockWriter } from './block-writer.ts';
import { createFileTarget } from './file-target.ts';
import type { FileTarget } from './file-target.ts';
import { onDisk } from '../storage-error.ts';

/** A file that one attempt writes and hashes. Only this attempt writes to it; others may read it to resume. */
export interface PartialFile {
  /** Bytes appended: hashed and written, except for at most one block in memory. */
  readonly sizeBytes: number;
  /** Bytes that others may read from the file. */
  readonly writtenBytes: number;
  /** Writes what is left in a block; may run concurrently with `append`. */
  flush(): Promise<void>;
  /** Writes and hashes; the caller may reuse the chunk afterwards. */
  append(chunk: Uint8Array): Promise<void>;
  /** Truncates the file, for a source that answers from its first byte. */
  restart(): Promise<void>;
  /** The hash of all appended bytes, in hex. No `append` may follow. */
  finish(): Promise<string>;
  /** Flush and fsync. */
  sync(): Promise<void>;
  /** Flushes and closes; closes even if the flush fails. A second call has no effect. */
  close(): Promise<void>;
}

export interface FileToWrite {
  readonly handle: FileHandle;
  /** For messages: `sha256:…`. */
  readonly what: string;
  /** An upper bound. */
  readonly sizeBytes: number;
  /** The position of the first appended byte; default 0. */
  readonly start?: number;
  readonly target: FileTarget;
}

/** Creates the file, which must not exist. The hash algorithm is that of the expected digest. */
export async function createPartialFile(path: string, content: ContentKey): Promise<PartialFile> {
  const { digest, size } = content;
  const handle = await onDisk('creating a partial file', open(path, 'wx', 0o600));
  const target = createFileTarget(handle, path, content);
  return writePartialFile({ handle, what: digest, sizeBytes: size, target });
}

export function writePartialFile({
  handle,
  what,
  sizeBytes: most,
  start = 0,
  target,
}: FileToWrite): PartialFile {
  const writer = createBlockWriter(target, most, start);
  let sizeBytes = start;
  const flush = () => onDisk(`writing ${what}`, writer.flush());
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get writtenBytes() {
      return writer.writtenBytes;
    },
    flush,
    async append(chunk) {
      await onDisk(`writing ${what}`, writer.write(chunk));
      sizeBytes += chunk.byteLength;
    },
    async restart() {
      await onDisk(`truncating the partial file of ${what}`, writer.rewind());
      sizeBytes = 0;
    },
    async finish() {
      await flush();
      return target.digest();
    },
    async sync() {
      await flush();
      await onDisk(`fsync of ${what}`, handle.sync());
    },
    async close() {
      try {
        await flush();
      } finally {
        target.close();
        await onDisk(`closing ${what}`, handle.close());
      }
    },
  };
}
