import { open } from 'node:fs/promises';
import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import type { Digest } from '../../oci/digest.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { digestMismatch } from '../content-error.ts';
import type { PartialFile } from './partial-file.ts';
import { createPartialFile } from './partial-file.ts';
import type { Partial } from './partial-folder.ts';
import { newPartialPath, removeFile } from './partial-folder.ts';
import { pushInTwo } from './push-attempts.ts';
import type { PushAttempt } from './push-attempts.ts';
import { receiveBody } from './receive-body.ts';
import type { PushOptions, PushResult } from '../store.ts';
import { onDisk, systemCode } from '../storage-error.ts';

/** Where a push writes, and what becomes of the result. */
export interface PushPlace {
  readonly partialFolder: string;
  readonly findPartials: (digest: Digest, apart?: string) => Promise<Partial[]>;
  /** Whether the file is to be on the disk before it is published. */
  readonly fsync: boolean;
  /** Makes the verified file the blob; it is gone from its place then. */
  readonly publish: (path: string, descriptor: ContentKey) => Promise<void>;
  /** Paths that an attempt of this process is writing; a sweep leaves them alone. */
  readonly live: Set<string>;
}

const copyBytes = 1024 * 1024;

/** One push by way of a partial file: resumes the largest partial file; bytes that turn out wrong are fetched once more, from the first byte. */
export async function pushByFile(
  place: PushPlace,
  descriptor: ContentKey,
  source: ContentSource,
  options: PushOptions,
): Promise<PushResult> {
  const earlier = await place.findPartials(descriptor.digest, options.apart);
  const first = await attemptPush(place, descriptor, source, {
    ...options,
    resume: await usable(earlier, descriptor),
  });
  const result = await pushInTwo(first, () => attemptPush(place, descriptor, source, options));
  for (const partial of earlier) await removeFile(partial.path);
  return result;
}

/** The partial file to resume. Longer than the content cannot be right: removed. */
async function usable(earlier: readonly Partial[], descriptor: ContentKey): Promise<Partial | undefined> {
  for (const partial of earlier) {
    if (partial.sizeBytes <= descriptor.size) return partial.sizeBytes > 0 ? partial : undefined;
    await removeFile(partial.path);
  }
  return undefined;
}

interface AttemptOptions extends PushOptions {
  readonly resume?: Partial | undefined;
}

async function attemptPush(
  place: PushPlace,
  descriptor: ContentKey,
  source: ContentSource,
  options: AttemptOptions,
): Promise<PushAttempt> {
  options.signal?.throwIfAborted();
  const path = newPartialPath(place.partialFolder, descriptor.digest, options.apart);
  place.live.add(path);
  try {
    const file = await createPartialFile(path, descriptor);
    return await fillAndPublish(place, { file, descriptor, source }, options);
  } finally {
    place.live.delete(path);
  }
}

interface Work {
  readonly file: PartialFile;
  readonly descriptor: ContentKey;
  readonly source: ContentSource;
}

async function fillAndPublish(place: PushPlace, work: Work, options: AttemptOptions): Promise<PushAttempt> {
  const { file, descriptor, source } = work;
  let closed = false;
  try {
    if (options.resume !== undefined) await copyPartial(options.resume, file, descriptor, options);
    const resumed = file.sizeBytes > 0;
    const received =
      file.sizeBytes < descriptor.size
        ? await receiveBody(file, descriptor, source, options)
        : { fetchedBytes: 0 };
    options.signal?.throwIfAborted();
    const mismatch = received.mismatch ?? (await checkDigest(file, descriptor));
    if (mismatch === undefined && place.fsync) await file.sync();
    closed = true;
    await file.close();
    if (mismatch === undefined) await place.publish(file.path, descriptor);
    else await discard(file, options.resume);
    return { fetchedBytes: received.fetchedBytes, resumed, mismatch };
  } catch (error) {
    if (!closed) await file.close().catch(() => undefined);
    await tidy(file, options.resume, error);
    throw error;
  }
}

/**
 * Copies an earlier attempt's bytes, hashing them. Its file is never appended to: an attempt that was given up may still
 * be writing there (docs/database.md).
 */
export async function copyPartial(
  from: Partial,
  file: PartialFile,
  descriptor: ContentKey,
  { signal, onProgress }: PushOptions,
): Promise<void> {
  const handle = await onDisk(
    'opening a partial file',
    open(from.path, 'r').catch((error: unknown) => {
      // Removed meanwhile by another process's success or sweep: nothing to resume.
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }),
  );
  if (handle === undefined) return;
  try {
    const buffer = Buffer.allocUnsafe(Math.min(copyBytes, from.sizeBytes));
    while (file.sizeBytes < descriptor.size) {
      signal?.throwIfAborted();
      const want = Math.min(buffer.byteLength, descriptor.size - file.sizeBytes);
      const { bytesRead } = await onDisk(
        'reading a partial file',
        handle.read(buffer, 0, want, file.sizeBytes),
      );
      if (bytesRead === 0) return;
      await file.append(buffer.subarray(0, bytesRead));
      onProgress?.(file.sizeBytes, file.sizeBytes);
    }
  } finally {
    await handle.close();
  }
}

async function checkDigest(file: PartialFile, descriptor: ContentKey): Promise<TidemarkError | undefined> {
  const actual = await file.finish();
  if (actual === descriptor.digest) return undefined;
  return digestMismatch(descriptor, actual);
}

async function discard(file: PartialFile, resume: Partial | undefined): Promise<void> {
  await removeFile(file.path);
  if (resume !== undefined) await removeFile(resume.path);
}

/** After a break: one partial file stays, the longer one; none when the disk is full (fault 109). */
async function tidy(file: PartialFile, resume: Partial | undefined, error: unknown): Promise<void> {
  try {
    if (isTidemarkError(error) && error.code === 'STORAGE_FULL') await discard(file, resume);
    else if (file.sizeBytes <= (resume?.sizeBytes ?? 0)) await removeFile(file.path);
    else if (resume !== undefined) await removeFile(resume.path);
  } catch {
    // The first error says more than a failure to clean up; the sweep finds what stays.
  }
}
