import { createCipheriv } from 'node:crypto';
import type { ContentBody, ContentKey, ContentSource } from '../../src/oci/content-source.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { DigestAlgorithm } from '../../src/oci/digest.ts';
import { isTidemarkError } from '../../src/oci/error.ts';

/** Bytes that differ from place to place, the same for the same seed. */
export function seededBytes(sizeBytes: number, seed = 1): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

export function keyOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): ContentKey {
  return {
    digest: digestBytes(bytes, algorithm),
    size: bytes.byteLength,
    mediaType: 'application/octet-stream',
  };
}

export interface SourceScript {
  readonly chunkBytes?: number;
  /** Throws after this many bytes of one body. */
  readonly breakAfter?: number;
  /** Ends without an error after this many bytes of one body. */
  readonly endAfter?: number;
  /** Answers from the first byte, whatever was asked. */
  readonly ignoreOffset?: boolean;
  /** Says this offset in its answer. */
  readonly sayOffset?: number;
  /** Never gives another chunk after this many bytes, and does not look at the signal. */
  readonly hangAfter?: number;
}

export interface ScriptedSource extends ContentSource {
  /** The offsets asked for, in order. */
  readonly offsets: number[];
}

/** Serves these bytes as scripted, in one buffer that is overwritten before each chunk, as real sources do. */
export function createScriptedSource(bytes: Uint8Array, script: SourceScript = {}): ScriptedSource {
  const offsets: number[] = [];
  return {
    offsets,
    async fetch(_descriptor, { offset = 0 } = {}): Promise<ContentBody> {
      offsets.push(offset);
      const begin = script.ignoreOffset === true ? 0 : offset;
      return { offset: script.sayOffset ?? begin, bytes: play(bytes.subarray(begin), script) };
    },
  };
}

async function* play(bytes: Uint8Array, script: SourceScript): AsyncGenerator<Uint8Array> {
  const { chunkBytes = 64 * 1024, breakAfter, endAfter, hangAfter } = script;
  const stopAt = breakAfter ?? endAfter ?? hangAfter ?? bytes.byteLength;
  const buffer = Buffer.alloc(chunkBytes);
  for (let done = 0; done < stopAt;) {
    const part = bytes.subarray(done, Math.min(done + chunkBytes, stopAt));
    if (part.byteLength === 0) break;
    buffer.set(part);
    yield buffer.subarray(0, part.byteLength);
    buffer.fill(0xee);
    done += part.byteLength;
  }
  if (hangAfter !== undefined) await new Promise(() => undefined);
  if (breakAfter !== undefined) throw new Error('the connection broke');
}

export async function readAll(body: ContentBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The TidemarkError that a promise rejects with; anything else fails the test. */
export async function refusal(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('expected a TidemarkError, and the promise was fulfilled');
}
