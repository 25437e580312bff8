import type { SignatureToStore } from '../db/stage-signatures.ts';
import type { Digest } from '../oci/digest.ts';
import { isUnreadable } from './error-kinds.ts';

/** What an atomic signature says of itself; undefined for what is no signature of this manifest, and `problem` is told why. */
export async function readSignature(
  signed: Digest,
  content: Buffer,
  problem: (message: string) => Promise<void>,
): Promise<SignatureToStore | undefined> {
  // OpenPGP's library takes some MB, and most servers see no such signature
  const { readAtomicSignature } = await import('../trust/read-atomic.ts');
  try {
    const { manifestDigest, ...said } = await readAtomicSignature(content);
    if (manifestDigest === signed) return { signed, content, ...said };
    await problem(
      `A signature that the upstream gives for ${signed} is of ${manifestDigest} by its own word; it was not attached.`,
    );
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    await problem(`A signature of ${signed} was left out: ${error.message}`);
  }
  return undefined;
}
