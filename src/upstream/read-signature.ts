import type { SignatureToStore } from '../db/staging/stage-signatures.ts';
import type { Digest } from '../oci/digest.ts';
import { ThreadError } from '../threads/task-thread.ts';
import { readAtomicDocument } from '../trust/read-atomic-thread.ts';
import { isUnreadable } from './error-kinds.ts';

/**
 * The claims of an atomic signature. For content that is not a signature of this manifest, `problem` gets the reason, and the result is
 * undefined.
 */
export async function readSignature(
  signed: Digest,
  {
    content,
    problem,
    signal,
  }: {
    readonly content: Buffer;
    readonly problem: (message: string) => Promise<void>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<SignatureToStore | undefined> {
  try {
    const { manifestDigest, ...said } = await readAtomicDocument(content, { signal });
    if (manifestDigest === signed) return { signed, content, ...said };
    await problem(
      `A signature from the upstream for ${signed} names ${manifestDigest}. It was not attached.`,
    );
  } catch (error) {
    // a store whose signatures exceed the thread's limits is not read further
    if (!isUnreadable(error) || error.cause instanceof ThreadError) throw error;
    await problem(`A signature of ${signed} was left out: ${error.message}`);
  }
  return undefined;
}
