import type { StoredBlobRef } from '../../db/staging/plan-content.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';

const lookups = 32;

/** Of blobs that are marked as stored, those that the store lacks. */
export async function findLost<Blob extends Pick<StoredBlobRef, 'digest' | 'sizeBytes'>>(
  { store }: { readonly store: Pick<ActivityDeps['store'], 'exists'> },
  blobs: readonly Blob[],
  signal: AbortSignal,
): Promise<Blob[]> {
  const lost: Blob[] = [];
  await forEachConcurrently(blobs, { concurrency: lookups, signal }, async (blob) => {
    if (!(await store.exists({ digest: blob.digest, size: blob.sizeBytes }))) lost.push(blob);
  });
  return lost;
}
