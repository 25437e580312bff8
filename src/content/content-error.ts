import type { ContentKey } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';

/** For content that is absent, or there with another size than its descriptor says (damaged: as good as absent). */
export function contentUnknown(
  { digest, size }: ContentKey,
  presentBytes: number | undefined,
): TidemarkError {
  const what =
    presentBytes === undefined ? 'is not stored' : `is stored with ${presentBytes} bytes, not its ${size}`;
  return new TidemarkError(
    'CONTENT_UNKNOWN',
    `${digest} ${what}; sync a repository that holds it to fetch it again.`,
    {
      origin: 'server',
    },
  );
}

export function offsetInvalid({ digest, size }: ContentKey, offset: number): TidemarkError {
  return new TidemarkError(
    'OFFSET_INVALID',
    `${digest} was asked for from byte ${offset}; expected 0 to ${size}.`,
    {
      origin: 'caller',
    },
  );
}

export function digestMismatch({ digest, size }: ContentKey, actual: Digest): TidemarkError {
  return new TidemarkError(
    'DIGEST_MISMATCH',
    `The ${size} bytes received for ${digest} have the digest ${actual}; they were discarded. ` +
      'The upstream, or something between, serves other content under this digest: repair or re-push it there.',
  );
}
