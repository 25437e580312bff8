import type { ContentKey } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';

/** For content that is missing, or damaged: it has another size than its descriptor says. */
export function contentUnknown(
  { digest, size }: ContentKey,
  presentBytes: number | undefined,
): TidemarkError {
  const what =
    presentBytes === undefined ? 'is not stored' : `is stored with ${presentBytes} bytes instead of ${size}`;
  return new TidemarkError(
    'CONTENT_UNKNOWN',
    `${digest} ${what}. To fetch it again, sync a repository that has it.`,
    {
      origin: 'server',
    },
  );
}

export function offsetInvalid({ digest, size }: ContentKey, offset: number): TidemarkError {
  return new TidemarkError(
    'OFFSET_INVALID',
    `${digest} was requested from byte ${offset}; expected 0 to ${size}.`,
    {
      origin: 'caller',
    },
  );
}

export function digestMismatch({ digest, size }: ContentKey, actual: Digest): TidemarkError {
  return new TidemarkError(
    'DIGEST_MISMATCH',
    `The ${size} bytes received for ${digest} have the digest ${actual}; they were discarded. ` +
      'The upstream or a proxy serves other content for this digest. Push the image there again.',
  );
}
