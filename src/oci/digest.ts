import { TidemarkError, quoteValue } from './error.ts';

/** A parsed digest: `sha256:<64 lower-case hex>` or `sha512:<128 lower-case hex>` (image-spec, descriptor.md "Digests"). */
export type Digest = string & { readonly __digest: never };

export type DigestAlgorithm = 'sha256' | 'sha512';

const hexLength: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

/**
 * Parses a digest. Only a parsed value may reach a path or a URL (CVE-2024-3727).
 * @throws TidemarkError `DIGEST_UNSUPPORTED` for another algorithm, `DIGEST_INVALID` for any other text.
 */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text;
  if (typeof text === 'string' && /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text)) {
    const algorithm = text.slice(0, text.indexOf(':'));
    if (!(algorithm in hexLength))
      throw new TidemarkError(
        'DIGEST_UNSUPPORTED',
        `The digest ${quoteValue(text)} uses the algorithm ${quoteValue(algorithm)}; supported are sha256 and sha512.`,
      );
  }
  throw new TidemarkError(
    'DIGEST_INVALID',
    `${quoteValue(text)} is not a digest; expected sha256: and 64, or sha512: and 128 lower-case hexadecimal digits.`,
  );
}

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/.test(text);
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

/** The hexadecimal part. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}
