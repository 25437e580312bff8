import type { FileHandle } from 'node:fs/promises';

/** Where bytes are written and hashed. A block may be reused when `write` resolves. */
export interface BlockTarget {
  /** Hashes and writes a block; the calls are in the order of the positions. */
  write(block: Uint8Array, position: number): Promise<void>;
  /** Truncates the file, and begins a new hash. */
  restart(): Promise<void>;
  /** Whether a chunk can be written as it is; if not, it is copied into blocks. */
  takes(chunk: Uint8Array): boolean;
  /** Memory for a block. */
  allocate(bytes: number): Buffer;
}

/** Writes chunks in order. A chunk may be reused when `write` resolves. */
export interface BlockWriter {
  /** Bytes from the start of the file that the kernel has: others may read them. */
  readonly writtenBytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Hands all bytes to the kernel. */
  flush(): Promise<void>;
  /** Truncates the file; the next byte is the first. */
  rewind(): Promise<void>;
}

const blockBytes = 512 * 1024;
const directBytes = 256 * 1024;

/**
 * Writes large chunks directly. Small ones (TLS records, 16 KiB) are gathered in two blocks: one is filled while the other is written, which
 * saves most of the writes.
 * @param start The position of the first byte.
 */
export function createBlockWriter(target: BlockTarget, sizeBytes: number, start = 0): BlockWriter {
  const blocks: Buffer[] = [];
  let filling = 0;
  let filledBytes = 0;
  let position = start;
  let writtenBytes = start;
  let writing = Promise.resolve();
  const block = () => (blocks[filling] ??= target.allocate(Math.min(blockBytes, sizeBytes)));

  async function writeBlock(bytes: Uint8Array): Promise<void> {
    const from = position;
    position += bytes.byteLength;
    await target.write(bytes, from);
    writtenBytes = from + bytes.byteLength;
  }

  /** Starts to write the block, after the one before. */
  async function startBlock(): Promise<void> {
    await writing;
    if (filledBytes === 0) return;
    const bytes = block().subarray(0, filledBytes);
    filledBytes = 0;
    filling = 1 - filling;
    writing = writeBlock(bytes);
    // The next block or the flush awaits it.
    writing.catch(() => undefined);
  }

  return {
    get writtenBytes() {
      return writtenBytes;
    },
    async write(chunk) {
      if (chunk.byteLength >= directBytes && target.takes(chunk)) {
        await startBlock();
        await writing;
        await writeBlock(chunk);
        return;
      }
      for (let done = 0; done < chunk.byteLength;) {
        const part = chunk.subarray(done, done + block().byteLength - filledBytes);
        block().set(part, filledBytes);
        filledBytes += part.byteLength;
        done += part.byteLength;
        if (filledBytes === block().byteLength) await startBlock();
      }
    },
    async flush() {
      await startBlock();
      await writing;
    },
    async rewind() {
      await writing;
      filledBytes = 0;
      position = 0;
      writtenBytes = 0;
      await target.restart();
    },
  };
}

export async function writeFully(handle: FileHandle, block: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < block.byteLength)
    done += (await handle.write(block, done, block.byteLength - done, position + done)).bytesWritten;
}
