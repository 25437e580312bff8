import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import type { PushOptions, PushResult } from '../store.ts';
import { openPartialBlob } from './partial-blob.ts';
import type { PartialPlace } from './partial-blob.ts';
import { pushInTwo } from './push-attempts.ts';
import type { PushAttempt } from './push-attempts.ts';

/** One push through a partial file. It resumes an earlier attempt; wrong bytes are fetched once more, from the first byte. */
export async function pushByFile(
  place: PartialPlace,
  descriptor: ContentKey,
  source: ContentSource,
  options: PushOptions,
): Promise<PushResult> {
  const attempt = async (anew: boolean): Promise<PushAttempt> => {
    options.signal?.throwIfAborted();
    const blob = await openPartialBlob(place, descriptor, { ...options, anew });
    try {
      const resumed = blob.file.sizeBytes > 0;
      const received = await blob.receive(source, options);
      options.signal?.throwIfAborted();
      const mismatch = received.mismatch ?? (await blob.verify());
      await (mismatch === undefined ? blob.publish() : blob.fail(mismatch));
      return { fetchedBytes: received.fetchedBytes, resumed, mismatch };
    } catch (error) {
      await blob.fail(error);
      throw error;
    }
  };
  return pushInTwo(await attempt(false), () => attempt(true));
}
