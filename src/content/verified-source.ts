import { createHash } from 'node:crypto';
import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import { digestAlgorithm } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';
import { digestMismatch } from './content-error.ts';

/** Hashes a source while streaming it. The source is always read whole, and the last requested byte is withheld until size and digest are verified. */
export function verifyInPassing(source: ContentSource): ContentSource {
  return {
    async fetch(descriptor, options = {}) {
      const { offset = 0, lengthBytes = descriptor.size - offset, signal } = options;
      const body = await source.fetch(descriptor, signal === undefined ? {} : { signal });
      return { offset, bytes: pass(body.bytes, descriptor, [offset, offset + lengthBytes]) };
    },
  };
}

/** @throws TidemarkError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, or the source's error. */
async function* pass(
  bytes: AsyncIterable<Uint8Array>,
  descriptor: ContentKey,
  [begin, end]: readonly [number, number],
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(descriptor.digest));
  let position = 0;
  let last: Buffer | undefined;
  for await (const chunk of bytes) {
    hash.update(chunk);
    const at = (place: number) => Math.max(0, Math.min(place - position, chunk.byteLength));
    const part = chunk.subarray(at(begin), at(end - 1));
    if (at(end) > at(end - 1)) last = Buffer.from(chunk.subarray(at(end - 1), at(end)));
    position += chunk.byteLength;
    if (position > descriptor.size) break;
    if (part.byteLength > 0) yield part;
  }
  if (position !== descriptor.size) throw sizeMismatch(descriptor, position);
  const actual = `${digestAlgorithm(descriptor.digest)}:${hash.digest('hex')}` as Digest;
  if (actual !== descriptor.digest) throw digestMismatch(descriptor, actual);
  if (last !== undefined) yield last;
}

function sizeMismatch({ digest, size }: ContentKey, cameBytes: number): TidemarkError {
  const came = cameBytes > size ? `At least ${cameBytes}` : String(cameBytes);
  return new TidemarkError(
    'SIZE_MISMATCH',
    `${came} bytes arrived for ${digest}; its descriptor says ${size}. If it happens again, push the image to the upstream again.`,
  );
}
