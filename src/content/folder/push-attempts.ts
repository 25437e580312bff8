import type { TidemarkError } from '../../oci/error.ts';
import type { PushResult } from '../store.ts';

export interface PushAttempt {
  readonly fetchedBytes: number;
  /** Whether it began with bytes of an earlier push. */
  readonly resumed: boolean;
  /** The bytes arrived and are not those of the descriptor. */
  readonly mismatch?: TidemarkError | undefined;
}

/** Bytes that turn out wrong are fetched once more, from the first byte: the second attempt must not resume. */
export async function pushInTwo(first: PushAttempt, again: () => Promise<PushAttempt>): Promise<PushResult> {
  if (first.mismatch === undefined) return { fetchedBytes: first.fetchedBytes };
  // Too long from the first byte on is what the source has; too long when resumed may be the splice.
  if (first.mismatch.code === 'SIZE_MISMATCH' && !first.resumed) throw first.mismatch;
  const second = await again();
  if (second.mismatch !== undefined) throw second.mismatch;
  return { fetchedBytes: first.fetchedBytes + second.fetchedBytes };
}
