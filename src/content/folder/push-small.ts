import { open } from 'node:fs/promises';
import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { createBufferSink } from './buffer-sink.ts';
import type { BufferSink } from './buffer-sink.ts';
import { digestMismatch } from '../content-error.ts';
import { newPartialPath, removeFile } from './partial-folder.ts';
import { pushInTwo } from './push-attempts.ts';
import type { PushAttempt } from './push-attempts.ts';
import type { PartialPlace } from './partial-blob.ts';
import { receiveBody } from './receive-body.ts';
import { onDisk } from '../storage-error.ts';
import type { PushOptions, PushResult } from '../store.ts';

/** Content up to this size stays in memory until it is verified. */
export const smallBytes = 64 * 1024;

/**
 * One push of small content, written after it is verified. An interrupted attempt leaves nothing: a search for its partial file would cost more
 * than its bytes.
 */
export async function pushSmall(
  place: PartialPlace,
  descriptor: ContentKey,
  source: ContentSource,
  options: PushOptions,
): Promise<PushResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  let sink = createBufferSink();
  const receive = async (): Promise<PushAttempt> => {
    sink = createBufferSink();
    const { fetchedBytes, mismatch } =
      descriptor.size > 0
        ? await receiveBody(sink, descriptor, source, signal === undefined ? {} : { signal })
        : { fetchedBytes: 0 };
    return { fetchedBytes, resumed: false, mismatch: mismatch ?? checkDigest(sink, descriptor) };
  };
  const result = await pushInTwo(await receive(), receive);
  signal?.throwIfAborted();
  const path = newPartialPath(place.folder, descriptor.digest, options.apart);
  place.live.add(path);
  try {
    await writeWhole(path, sink.bytes(), descriptor, place.fsync);
    await place.publish(path, descriptor);
  } catch (error) {
    // The error matters more than a failed clean-up; the sweep removes what stays.
    await removeFile(path).catch(() => undefined);
    throw error;
  } finally {
    place.live.delete(path);
  }
  options.onProgress?.(descriptor.size, 0);
  return result;
}

function checkDigest(sink: BufferSink, descriptor: ContentKey): TidemarkError | undefined {
  const actual = sink.digest(descriptor.digest);
  return actual === descriptor.digest ? undefined : digestMismatch(descriptor, actual);
}

async function writeWhole(
  path: string,
  bytes: Buffer,
  { digest }: ContentKey,
  fsync: boolean,
): Promise<void> {
  const handle = await onDisk('creating a partial file', open(path, 'wx', 0o600));
  try {
    await onDisk(`writing ${digest}`, handle.writeFile(bytes));
    if (fsync) await onDisk(`fsync of ${digest}`, handle.sync());
  } finally {
    await onDisk(`closing ${digest}`, handle.close());
  }
}
