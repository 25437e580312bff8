import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { digestBytes } from '../../oci/digest-bytes.ts';
import type { BodySink } from './receive-body.ts';

/** Collects a body in memory. */
export interface BufferSink extends BodySink {
  bytes(): Buffer;
  /** Uses the algorithm of the expected digest. */
  digest(expected: Digest): Digest;
}

/** @param begin The bytes of an earlier attempt. */
export function createBufferSink(begin?: Buffer): BufferSink {
  let chunks = begin === undefined ? [] : [begin];
  let sizeBytes = begin?.byteLength ?? 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async append(chunk) {
      // The source reuses the chunk's buffer.
      chunks.push(Buffer.from(chunk));
      sizeBytes += chunk.byteLength;
    },
    async restart() {
      chunks = [];
      sizeBytes = 0;
    },
    bytes() {
      const [first = Buffer.alloc(0), ...others] = chunks;
      return others.length === 0 ? first : Buffer.concat(chunks, sizeBytes);
    },
    digest(expected) {
      return digestBytes(this.bytes(), digestAlgorithm(expected));
    },
  };
}
