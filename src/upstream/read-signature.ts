import type { SignatureToStore } from '../db/staging/stage-signatures.ts';
import type { Digest } from '../oci/digest.ts';
import { ThreadError } from '../threads/task-thread.ts';
import { readAtomicDocument } from '../trust/read-atomic-thread.ts';
import { isUnreadable } from './error-kinds.ts';

/** What an atomic signature says of itself; undefined for what is no signature of this manifest, and `problem` is told why. */
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
      `A signature that the upstream gives for ${signed} is of ${manifestDigest} by its own word; it was not attached.`,
    );
  } catch (error) {
    // a store whose signatures use up the thread's time gives no more of them
    if (!isUnreadable(error) || error.cause instanceof ThreadError) throw error;
    await problem(`A signature of ${signed} was left out: ${error.message}`);
  }
  return undefined;
}
