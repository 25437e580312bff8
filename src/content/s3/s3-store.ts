import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentBody, ContentKey, FetchOptions } from '../../oci/content-source.ts';
import { TidemarkError } from '../../oci/error.ts';
import { contentUnknown, offsetInvalid } from '../content-error.ts';
import { openGrowingBlob } from '../folder/growing-blob.ts';
import {
  createPartialFinder,
  probeFolder,
  removeFile,
  sweepPartialFolder,
} from '../folder/partial-folder.ts';
import { pushByFile } from '../folder/push-by-file.ts';
import { createSingleFlight } from '../single-flight.ts';
import { createSlots } from '../slots.ts';
import { onDisk } from '../storage-error.ts';
import type { BlobStore } from '../store.ts';
import {
  abortUploads,
  deleteObject,
  keyOf,
  listObjects,
  openBucket,
  probeBucket,
  signObjectUrl,
  statObject,
} from './s3-bucket.ts';
import type { S3Bucket, S3BucketOptions } from './s3-bucket.ts';
import { createS3Parts } from './s3-parts.ts';
import { readObject } from './s3-read.ts';
import { pause, wasSilent } from './s3-request.ts';
import { uploadFile } from './s3-upload.ts';

export interface S3StoreOptions extends S3BucketOptions {
  /** The data folder. Partial files are in its `partial/`. */
  readonly root: string;
  /** The size of a part; larger blobs are uploaded in parts. Default 64 MiB; S3 requires at least 5 MiB. */
  readonly partBytes?: number;
}

const defaultPartBytes = 64 * 1024 * 1024;
/** Uploads and parts of one process. */
const uploadsInFlight = 8;
/** How often a new object is looked up. */
const looksAfterWrite = 6;

/**
 * Blobs in a bucket, at `<prefix>/blobs/<algorithm>/<hex>`. A push writes a partial file in the data folder, as the folder store does, so that
 * it resumes in the same way. The verified file is uploaded, and the push ends when the object is visible (docs/decisions/0005-s3.md).
 * @throws TidemarkError `STORAGE_UNAVAILABLE` if the bucket cannot be reached or listed.
 */
export async function openS3Store(options: S3StoreOptions): Promise<BlobStore & { close(): void }> {
  const { location, root, partBytes = defaultPartBytes } = options;
  const bucket = openBucket(options);
  const folder = join(root, 'partial');
  await onDisk('making the folder of partial files', mkdir(folder, { recursive: true, mode: 0o700 }));
  const partials = { folder, find: createPartialFinder(folder), live: new Set<string>(), fsync: false };
  const singleFlight = createSingleFlight();
  const limit = createSlots(uploadsInFlight);
  async function publish(path: string, descriptor: ContentKey, signal?: AbortSignal): Promise<void> {
    try {
      const key = keyOf(bucket, descriptor.digest);
      await uploadFile({ ...bucket, key, limit, partBytes }, path, descriptor, signal);
    } catch (error) {
      // Another worker on this data folder may have stored the blob and removed the file.
      if (signal?.aborted === true || wasSilent(error)) throw error;
      if (!(await isStored(bucket, descriptor))) throw error;
    }
    await awaitVisible(bucket, descriptor, signal);
    await removeFile(path);
  }

  const store: BlobStore & { close(): void } = {
    exists: (descriptor) => isStored(bucket, descriptor),
    fetch: (descriptor, fetchOptions = {}) => fetchObject(bucket, descriptor, fetchOptions),
    push: (descriptor, source, pushOptions = {}) =>
      singleFlight(`${descriptor.digest} ${pushOptions.apart ?? ''}`, pushOptions.signal, async () => {
        const { signal, apart } = pushOptions;
        if (apart === undefined && (await isStored(bucket, descriptor, signal))) {
          pushOptions.onProgress?.(descriptor.size, descriptor.size);
          return { fetchedBytes: 0 };
        }
        const place = { ...partials, publish: (path: string) => publish(path, descriptor, signal) };
        return pushByFile(place, descriptor, source, pushOptions);
      }),
    grow: (descriptor, growOptions) =>
      openGrowingBlob({ ...partials, publish }, store, descriptor, growOptions),
    delete: ({ digest }) => deleteObject(bucket, digest),
    // Not in single flight with pushes: a wait would reveal another download.
    adopt: (descriptor, path) => publish(path, descriptor),
    async sweepPartials({ olderThanMs }) {
      const swept = await sweepPartialFolder(folder, olderThanMs, partials.live);
      await abortUploads(bucket, olderThanMs);
      return swept;
    },
    list: () => listObjects(bucket),
    stat: (digest) => statObject(bucket, digest),
    async check() {
      await probeFolder(folder);
      await probeBucket(bucket);
    },
    parts: createS3Parts(bucket, { limit, partBytes }),
    ...(location.redirect && { signUrl: ({ digest }: ContentKey) => signObjectUrl(bucket, digest) }),
    close: () => bucket.client.destroy(),
  };
  await probeBucket(bucket);
  return store;
}

async function fetchObject(
  bucket: S3Bucket,
  descriptor: ContentKey,
  options: FetchOptions,
): Promise<ContentBody> {
  const { digest, size } = descriptor;
  const { offset = 0, signal } = options;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) throw offsetInvalid(descriptor, offset);
  if (offset < size) return readObject({ ...bucket, key: keyOf(bucket, digest) }, descriptor, options);
  const found = await statObject(bucket, digest, signal);
  if (found?.sizeBytes !== size) throw contentUnknown(descriptor, found?.sizeBytes);
  return { offset, bytes: noBytes() };
}

async function isStored(
  bucket: S3Bucket,
  { digest, size }: Pick<ContentKey, 'digest' | 'size'>,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await statObject(bucket, digest, signal))?.sizeBytes === size;
}

/** A server may answer 404 for a while after it took an object (fault 114). */
async function awaitVisible(
  bucket: S3Bucket,
  descriptor: ContentKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let look = 1; ; look += 1) {
    const found = await statObject(bucket, descriptor.digest, signal);
    if (found?.sizeBytes === descriptor.size) return;
    if (look === looksAfterWrite) throw notVisible(descriptor, found?.sizeBytes);
    await pause(look, signal);
  }
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // For a read at the end.
}

function notVisible({ digest, size }: ContentKey, foundBytes: number | undefined): TidemarkError {
  const found = foundBytes === undefined ? 'does not have it' : `has ${foundBytes} bytes under its key`;
  return new TidemarkError(
    'STORAGE_UNAVAILABLE',
    `The bucket accepted ${digest} with its ${size} bytes, but ${found} now. The work is retried. ` +
      'Check which other programs write to the bucket, and its S3 server.',
    { origin: 'server', retryable: true },
  );
}
