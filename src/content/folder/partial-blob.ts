import { open } from 'node:fs/promises';
import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { digestMismatch } from '../content-error.ts';
import { onDisk, systemCode } from '../storage-error.ts';
import type { PushOptions } from '../store.ts';
import { createPartialFile } from './partial-file.ts';
import type { PartialFile } from './partial-file.ts';
import { newPartialPath, removeFile } from './partial-folder.ts';
import type { Partial, PartialFinder } from './partial-folder.ts';
import { receiveBody } from './receive-body.ts';
import type { BodySink, ReceivedBody } from './receive-body.ts';

/** Where attempts write, and how a verified file becomes a blob. */
export interface PartialPlace {
  readonly folder: string;
  readonly find: PartialFinder;
  /** Paths that this process is writing; a sweep skips them. */
  readonly live: Set<string>;
  /** Whether a file is fsynced before it is published. */
  readonly fsync: boolean;
  /** Moves the verified file into the store. */
  readonly publish: (path: string, descriptor: ContentKey) => Promise<void>;
}

/**
 * One attempt at a blob, from a partial file to verified content: `receive` → `verify` → `publish`. An attempt that does not reach the end
 * is given to `fail`.
 */
export interface PartialBlob {
  readonly path: string;
  readonly file: PartialFile;
  /** Fetches what is missing. @param sink Default: the file. */
  receive(source: ContentSource, options: PushOptions, sink?: BodySink): Promise<ReceivedBody>;
  /** Checks the digest, then fsync. @returns the error of wrong bytes. */
  verify(): Promise<TidemarkError | undefined>;
  /** Closes the file, moves it into the store, and removes the files of earlier attempts. */
  publish(): Promise<void>;
  /** Closes the file. The longer one of this and the earlier attempt stays; none if the bytes are wrong or the disk is full (fault 109). */
  fail(reason: unknown): Promise<void>;
}

export interface PartialBlobOptions extends PushOptions {
  /** Starts from the first byte. Default: resumes the largest file of an earlier attempt. */
  readonly anew?: boolean;
}

export async function openPartialBlob(
  place: PartialPlace,
  descriptor: ContentKey,
  options: PartialBlobOptions,
): Promise<PartialBlob> {
  const { digest } = descriptor;
  const earlier = await place.find(digest, options.apart);
  const resume = options.anew === true ? undefined : await usable(earlier, descriptor);
  const path = newPartialPath(place.folder, digest, options.apart);
  place.live.add(path);
  const file = await createPartialFile(path, descriptor).catch((error: unknown) => {
    place.live.delete(path);
    throw error;
  });
  let isWrong = false;

  const blob: PartialBlob = {
    path,
    file,
    async receive(source, receiveOptions, sink = file) {
      if (file.sizeBytes === descriptor.size) return { fetchedBytes: 0 };
      const received = await receiveBody(sink, descriptor, source, receiveOptions);
      isWrong = received.mismatch !== undefined;
      return received;
    },
    async verify() {
      const actual = `${digestAlgorithm(digest)}:${await file.finish()}` as Digest;
      isWrong = actual !== digest;
      if (isWrong) return digestMismatch(descriptor, actual);
      if (place.fsync) await file.sync();
      return undefined;
    },
    async publish() {
      await file.close();
      await place.publish(path, descriptor);
      place.live.delete(path);
      for (const partial of earlier) await removeFile(partial.path);
    },
    async fail(reason) {
      const isFull = isTidemarkError(reason) && reason.code === 'STORAGE_FULL';
      const isShorter = file.sizeBytes <= (resume?.sizeBytes ?? 0);
      const superfluous = [
        ...(isWrong || isFull || isShorter ? [path] : []),
        ...(resume !== undefined && (isWrong || isFull || !isShorter) ? [resume.path] : []),
      ];
      // The first error matters more than a failed clean-up; the sweep removes what stays.
      await Promise.allSettled([file.close()]);
      await Promise.allSettled(superfluous.map(removeFile));
      place.live.delete(path);
    },
  };
  try {
    if (resume !== undefined) await copyPartial(resume, file, descriptor, options);
    return blob;
  } catch (error) {
    await blob.fail(error);
    throw error;
  }
}

/** The file to resume. A file longer than the content is wrong and is removed. */
async function usable(earlier: readonly Partial[], descriptor: ContentKey): Promise<Partial | undefined> {
  for (const partial of earlier) {
    if (partial.sizeBytes <= descriptor.size) return partial.sizeBytes > 0 ? partial : undefined;
    await removeFile(partial.path);
  }
  return undefined;
}

/**
 * Copies and hashes the bytes of an earlier attempt. Its file is never appended to: the abandoned attempt may still be writing
 * (docs/database.md).
 */
async function copyPartial(
  from: Partial,
  file: PartialFile,
  descriptor: ContentKey,
  { signal, onProgress }: PushOptions,
): Promise<void> {
  const handle = await onDisk(
    'opening a partial file',
    open(from.path, 'r').catch((error: unknown) => {
      // Removed meanwhile by the success or the sweep of another process: nothing to resume.
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

const copyBytes = 1024 * 1024;
