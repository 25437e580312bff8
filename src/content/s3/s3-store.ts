import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ContentKey } from '../../oci/content-source.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm, digestHex, isDigest, parseDigest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import { offsetInvalid, contentUnknown } from '../content-error.ts';
import {
  createPartialFinder,
  probeFolder,
  removeFile,
  sweepPartialFolder,
} from '../folder/partial-folder.ts';
import { openGrowingBlob } from '../folder/growing-blob.ts';
import { pushByFile } from '../folder/push-by-file.ts';
import type { S3Location } from './s3-location.ts';
import { readObject } from './s3-read.ts';
import { createAskS3, isMissing, pause, s3Timing, wasSilent } from './s3-request.ts';
import type { AskS3, S3Timing } from './s3-request.ts';
import { uploadFile } from './s3-upload.ts';
import { createSingleFlight } from '../single-flight.ts';
import { onDisk } from '../storage-error.ts';
import type { BlobStore, StoredContent } from '../store.ts';
import { createSlots } from '../slots.ts';

export interface S3StoreOptions {
  readonly location: S3Location;
  /** The data folder: what is on its way is written to `partial/` in it first. */
  readonly root: string;
  /** Blobs above this are uploaded in parts of this; default 64 MiB. S3 wants at least 5 MiB. */
  readonly partBytes?: number;
  /** Default: where AWS's SDK looks for them. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** How long a server that says nothing is waited for. */
  readonly timing?: S3Timing;
}

const defaultPartBytes = 64 * 1024 * 1024;
/** Requests with a body of ours, of one process. */
const uploadsInFlight = 8;
const socketsMax = 256;
const connectMs = 10_000;
/** How long a signed address is good for: one request that begins soon. */
const signedForSeconds = 10 * 60;
/** How often an object that was just written is looked for. */
const looksAfterWrite = 6;

/**
 * Blobs in a bucket, at `<prefix>/blobs/<algorithm>/<hex>`. A push is written to a partial file of the data folder while it is hashed, as in
 * the folder store, so that it resumes in the same way; what is verified is uploaded under its key and looked for there before the push
 * is done (docs/decisions/0005-s3.md).
 * @throws TidemarkError `STORAGE_UNAVAILABLE` where the bucket cannot be reached or listed.
 */
export async function openS3Store(options: S3StoreOptions): Promise<BlobStore & { close(): void }> {
  const { location, root, partBytes = defaultPartBytes, timing = s3Timing } = options;
  const { bucket, prefix } = location;
  const client = createClient(options);
  const ask = createAskS3(timing);
  const partialFolder = join(root, 'partial');
  await onDisk('making the folder of partial files', mkdir(partialFolder, { recursive: true, mode: 0o700 }));
  const partials = {
    folder: partialFolder,
    find: createPartialFinder(partialFolder),
    live: new Set<string>(),
    fsync: false,
  };
  const singleFlight = createSingleFlight();
  const limit = createSlots(uploadsInFlight);
  const folder = prefix === '' ? 'blobs/' : `${prefix}/blobs/`;
  const objectOf = (digest: Digest) => ({
    client,
    bucket,
    key: `${folder}${pathOf(digest)}`,
    ask,
    timing,
  });
  const place = { client, bucket, folder, ask };

  async function stat(digest: Digest, signal?: AbortSignal): Promise<StoredContent | undefined> {
    const { key } = objectOf(digest);
    return ask(`looking for ${digest}`, { signal }, async (attempt) => {
      try {
        const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal: attempt,
        });
        return {
          sizeBytes: found.ContentLength ?? 0,
          modifiedAt: found.LastModified ?? new Date(),
        };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  /** A server may answer 404 for a while after it took an object (fault 114). */
  async function awaitVisible(descriptor: ContentKey, signal: AbortSignal | undefined): Promise<void> {
    for (let look = 1; ; look += 1) {
      const found = await stat(descriptor.digest, signal);
      if (found?.sizeBytes === descriptor.size) return;
      if (look === looksAfterWrite) throw notVisible(descriptor, found?.sizeBytes);
      await pause(look, signal);
    }
  }

  async function publish(path: string, descriptor: ContentKey, signal?: AbortSignal): Promise<void> {
    try {
      await uploadFile({ ...objectOf(descriptor.digest), limit, partBytes }, path, descriptor, signal);
    } catch (error) {
      // another worker on this data folder stored it meanwhile, and removed the file
      if (signal?.aborted === true || wasSilent(error)) throw error;
      if ((await stat(descriptor.digest))?.sizeBytes !== descriptor.size) throw error;
    }
    await awaitVisible(descriptor, signal);
    await removeFile(path);
  }

  const store: BlobStore & { close(): void } = {
    exists: async ({ digest, size }) => (await stat(digest))?.sizeBytes === size,

    async fetch(descriptor, fetchOptions = {}) {
      const { digest, size } = descriptor;
      const { offset = 0, signal } = fetchOptions;
      const object = objectOf(digest);
      if (!Number.isSafeInteger(offset) || offset < 0 || offset > size)
        throw offsetInvalid(descriptor, offset);
      if (offset < size) return readObject(object, descriptor, fetchOptions);
      const found = await stat(digest, signal);
      if (found?.sizeBytes !== size) throw contentUnknown(descriptor, found?.sizeBytes);
      return { offset, bytes: noBytes() };
    },

    push: (descriptor, source, pushOptions = {}) =>
      singleFlight(`${descriptor.digest} ${pushOptions.apart ?? ''}`, pushOptions.signal, async () => {
        const { signal, apart } = pushOptions;
        if (apart === undefined && (await stat(descriptor.digest, signal))?.sizeBytes === descriptor.size) {
          pushOptions.onProgress?.(descriptor.size, descriptor.size);
          return { fetchedBytes: 0 };
        }
        const place = { ...partials, publish: (path: string) => publish(path, descriptor, signal) };
        return pushByFile(place, descriptor, source, pushOptions);
      }),

    grow: (descriptor, growOptions) =>
      openGrowingBlob({ ...partials, publish }, store, descriptor, growOptions),

    async delete({ digest }) {
      const { key } = objectOf(digest);
      await ask(`removing ${digest}`, { signal: undefined }, (attempt) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: attempt }),
      );
    },

    // beside all others of the digest: one that waited would tell that there is another
    adopt: (descriptor, path) => publish(path, descriptor),

    async sweepPartials({ olderThanMs }) {
      const swept = await sweepPartialFolder(partialFolder, olderThanMs, partials.live);
      await abortUploads(place, olderThanMs);
      return swept;
    },

    list: () => listObjects(place),

    stat: (digest) => stat(digest),

    async check() {
      await probeFolder(partialFolder);
      await probeBucket(place);
    },

    ...(location.redirect && {
      signUrl: async ({ digest }: ContentKey) => {
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        const command = new GetObjectCommand({
          Bucket: bucket,
          Key: objectOf(digest).key,
          ResponseContentType: 'application/octet-stream',
        });
        return getSignedUrl(client, command, { expiresIn: signedForSeconds });
      },
    }),

    close: () => client.destroy(),
  };
  await probeBucket(place);
  return store;
}

function createClient({ location, credentials, timing = s3Timing }: S3StoreOptions): S3Client {
  const { endpoint, region } = location;
  return new S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
    ...(credentials !== undefined && { credentials }),
    // `ask` repeats
    maxAttempts: 1,
    // every body carries its sha256; other servers than Amazon's do not know the SDK's own checksums
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: silent,
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: timing.silenceMs,
      httpAgent: { maxSockets: socketsMax, keepAlive: true },
      httpsAgent: { maxSockets: socketsMax, keepAlive: true },
    },
  });
}

/** What goes wrong is in our errors; the SDK would write to the console. */
const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Parsed once more where the key is made: no other value gets into one. */
function pathOf(digest: Digest): string {
  const parsed = parseDigest(digest);
  return `${digestAlgorithm(parsed)}/${digestHex(parsed)}`;
}

interface Bucket {
  readonly client: S3Client;
  readonly bucket: string;
  readonly folder: string;
  readonly ask: AskS3;
}

async function probeBucket({ client, bucket, folder, ask }: Bucket): Promise<void> {
  await ask('listing the bucket', { signal: undefined }, (attempt) =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: folder, MaxKeys: 1 }), {
      abortSignal: attempt,
    }),
  );
}

/** A page in memory at a time. */
async function* listObjects({ client, bucket, folder, ask }: Bucket): AsyncGenerator<Digest> {
  for (let token: string | undefined; ;) {
    const page = await ask('listing the bucket', { signal: undefined }, () =>
      client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: folder, ContinuationToken: token })),
    );
    for (const { Key: key = '' } of page.Contents ?? []) {
      const digest = key.slice(folder.length).replace('/', ':');
      if (isDigest(digest)) yield digest;
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return;
  }
}

/** Ends multipart uploads that a process which died has left: their parts are stored, and paid for, until then. */
async function abortUploads({ client, bucket, folder, ask }: Bucket, olderThanMs: number): Promise<void> {
  const newest = Date.now() - olderThanMs;
  for (let after: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}; ;) {
    const page = await ask('listing the uploads of the bucket', { signal: undefined }, () =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: folder, ...after })),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated.getTime() > newest) continue;
      await client
        .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
        .catch(async (error: unknown) => {
          // completed or aborted meanwhile
          if (!isMissing(error))
            await ask('aborting an upload', { signal: undefined }, () => Promise.reject(error as Error));
        });
    }
    if (page.IsTruncated !== true) return;
    after = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // the end was asked for
}

function notVisible({ digest, size }: ContentKey, foundBytes: number | undefined): TidemarkError {
  const found = foundBytes === undefined ? 'does not have it' : `has ${foundBytes} bytes under its key`;
  return new TidemarkError(
    'STORAGE_UNAVAILABLE',
    `The bucket took ${digest} with its ${size} bytes, and ${found} now. The work is tried again; ` +
      'check what else writes to the bucket, and its S3 server.',
    { origin: 'server', retryable: true },
  );
}
