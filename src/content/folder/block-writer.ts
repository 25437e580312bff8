import type { FileHandle } from 'node:fs/promises';

/** Writes chunks one after the other. A chunk may be reused as soon as `write` returns. */
export interface BlockWriter {
  /** How many bytes from the file's beginning are with the system: others may read them. */
  readonly writtenBytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Waits until all that was written is with the system. */
  flush(): Promise<void>;
  /** Forgets what was written; the next byte is the first. */
  rewind(): Promise<void>;
}

const blockBytes = 512 * 1024;
const directBytes = 256 * 1024;

/**
 * Large chunks are written as they are. Small ones (TLS records, 16 KiB) are gathered in two blocks of our own, one filled
 * while the other is being written: 600 MB in 16 KiB chunks then take a tenth of the time that a write each takes.
 * @param start Where in the file the first byte goes.
 */
export function createBlockWriter(handle: FileHandle, sizeBytes: number, start = 0): BlockWriter {
  const blocks: Buffer[] = [];
  let filling = 0;
  let filledBytes = 0;
  let position = start;
  let writtenBytes = start;
  let writing = Promise.resolve();

  function block(): Buffer {
    return (blocks[filling] ??= Buffer.allocUnsafe(Math.min(blockBytes, sizeBytes)));
  }

  async function writeBlock(bytes: Buffer, from: number): Promise<void> {
    await writeFully(handle, bytes, from);
    writtenBytes = from + bytes.byteLength;
  }

  /** Hands the block over to the system, once the one before is there. */
  async function startBlock(): Promise<void> {
    await writing;
    if (filledBytes === 0) return;
    writing = writeBlock(block().subarray(0, filledBytes), position);
    // Awaited with the next block or at the flush; until then not unhandled.
    writing.catch(() => undefined);
    position += filledBytes;
    filledBytes = 0;
    filling = 1 - filling;
  }

  return {
    get writtenBytes() {
      return writtenBytes;
    },
    async write(chunk) {
      if (chunk.byteLength >= directBytes) {
        await startBlock();
        const from = position;
        position += chunk.byteLength;
        await Promise.all([writing, writeFully(handle, chunk, from)]);
        writtenBytes = from + chunk.byteLength;
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
      await handle.truncate(0);
    },
  };
}

async function writeFully(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength)
    done += (await handle.write(chunk, done, chunk.byteLength - done, position + done)).bytesWritten;
}
