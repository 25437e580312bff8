import { headMaxBytes } from './http-head.ts';

export interface FoundHead {
  readonly bytes: Uint8Array;
  /** The bytes of the chunk after the head. */
  readonly rest: Uint8Array;
}

const headEnd = '\r\n\r\n';

/**
 * Finds heads in chunks. The limit applies to all heads of one answer. No byte is searched twice, so the work does not depend on the chunks.
 */
export function collectHead(): { take(chunk: Uint8Array): FoundHead | undefined } {
  let bytesLeft = headMaxBytes;
  let gathered: Buffer | undefined;
  let filled = 0;
  return {
    /** @throws if the heads exceed the limit */
    take(chunk) {
      const bytes = asBuffer(chunk).subarray(0, bytesLeft + headEnd.length - filled);
      // The next read reuses the chunk's buffer.
      const from = Math.max(0, filled - headEnd.length + 1);
      let searched: Buffer = bytes;
      if (gathered !== undefined) {
        bytes.copy(gathered, filled);
        searched = gathered.subarray(0, filled + bytes.length);
      }
      const end = searched.indexOf(headEnd, from, 'latin1');
      if (end < 0) {
        if (searched.length >= bytesLeft + headEnd.length) throw notHttp();
        if (bytes.length === 0) return undefined;
        if (gathered === undefined) {
          gathered = Buffer.allocUnsafe(headMaxBytes + headEnd.length);
          bytes.copy(gathered);
        }
        filled += bytes.length;
        return undefined;
      }
      const rest = chunk.subarray(end + headEnd.length - filled);
      bytesLeft -= end;
      filled = 0;
      gathered = undefined;
      return { bytes: searched.subarray(0, end), rest };
    },
  };
}

/** The code of Node's own parser. */
export function notHttp(): Error {
  return Object.assign(new Error('the answer is not HTTP'), { code: 'HPE_INVALID_CONSTANT' });
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
