import { createHash } from 'node:crypto';
import type { ContentSource } from '../oci/content-source.ts';
import { digestAlgorithm, digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { isTidemarkError } from '../oci/error.ts';

export interface SmallBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

/**
 * The verified bytes of a stored blob. Undefined: it is not stored, damaged, or of another size. The caller must check that the size is
 * small.
 */
export async function readSmallBlob(
  store: ContentSource,
  { digest, sizeBytes: size, mediaType }: SmallBlob,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    const body = await store.fetch({ digest, size, mediaType }, signal === undefined ? {} : { signal });
    let length = 0;
    for await (const chunk of body.bytes) {
      length += chunk.byteLength;
      if (length > size) return undefined;
      chunks.push(Buffer.from(chunk));
    }
  } catch (error) {
    if (isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN') return undefined;
    throw error;
  }
  const bytes = Buffer.concat(chunks);
  const actual = createHash(digestAlgorithm(digest)).update(bytes).digest('hex');
  return actual === digestHex(digest) ? bytes : undefined;
}
