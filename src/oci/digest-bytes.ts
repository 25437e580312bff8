import { createHash } from 'node:crypto';
import type { Digest, DigestAlgorithm } from './digest.ts';

/** The digest of bytes in memory. Separate from `digest.ts`, which workflows import: they have no node:crypto. */
export function digestBytes(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}
