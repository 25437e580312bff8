import type { TidemarkError } from '../../oci/error.ts';
import type { PushResult } from '../store.ts';

export interface PushAttempt {
  readonly fetchedBytes: number;
  /** Whether it started with the bytes of an earlier push. */
  readonly resumed: boolean;
  /** The error of wrong bytes. */
  readonly mismatch?: TidemarkError | undefined;
}

/** Wrong bytes are fetched once more from the first byte: the second attempt must not resume. */
export async function pushInTwo(first: PushAttempt, again: () => Promise<PushAttempt>): Promise<PushResult> {
  if (first.mismatch === undefined) return { fetchedBytes: first.fetchedBytes };
  // Without a resumed part, the source itself is too long.
  if (first.mismatch.code === 'SIZE_MISMATCH' && !first.resumed) throw first.mismatch;
  const second = await again();
  if (second.mismatch !== undefined) throw second.mismatch;
  return { fetchedBytes: first.fetchedBytes + second.fetchedBytes };
}
