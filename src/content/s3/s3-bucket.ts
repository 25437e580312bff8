import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm, digestHex, isDigest, parseDigest } from '../../oci/digest.ts';
import type { StoredContent } from '../store.ts';
import type { S3Location } from './s3-location.ts';
import { createAskS3, isMissing, s3Timing } from './s3-request.ts';
import type { AskS3, S3Timing } from './s3-request.ts';

export interface S3BucketOptions {
  readonly location: S3Location;
  /** Default: from AWS's own settings. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Timeouts for a server that does not answer. */
  readonly timing?: S3Timing;
}

/** A bucket, and the requests that concern its objects by key only. */
export interface S3Bucket {
  readonly client: S3Client;
  readonly bucket: string;
  /** The prefix of all keys, with a slash at its end. */
  readonly folder: string;
  /** The prefix of the parts of uploads, with a slash at its end. */
  readonly uploads: string;
  readonly ask: AskS3;
  readonly timing: S3Timing;
}

const socketsMax = 256;
const connectMs = 10_000;
/** The lifetime of a signed URL: one request that begins soon. */
const signedForSeconds = 10 * 60;
const noSignal = { signal: undefined };

export function openBucket({ location, credentials, timing = s3Timing }: S3BucketOptions): S3Bucket {
  const { bucket, prefix, endpoint, region } = location;
  const agent = { maxSockets: socketsMax, keepAlive: true };
  const client = new S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
    ...(credentials !== undefined && { credentials }),
    // `ask` retries.
    maxAttempts: 1,
    // Each body has its sha256; servers other than Amazon's do not know the SDK's checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: silent,
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: timing.silenceMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  const root = prefix === '' ? '' : `${prefix}/`;
  return {
    client,
    bucket,
    folder: `${root}blobs/`,
    uploads: `${root}uploads/`,
    ask: createAskS3(timing),
    timing,
  };
}

/** Our errors carry the details; the SDK would write to the console. */
const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Parses the digest again, so that no other text becomes a key. */
export function keyOf({ folder }: S3Bucket, digest: Digest): string {
  const parsed = parseDigest(digest);
  return `${folder}${digestAlgorithm(parsed)}/${digestHex(parsed)}`;
}

export async function statObject(
  bucket: S3Bucket,
  digest: Digest,
  signal?: AbortSignal,
): Promise<StoredContent | undefined> {
  const command = new HeadObjectCommand({ Bucket: bucket.bucket, Key: keyOf(bucket, digest) });
  return bucket.ask(`looking for ${digest}`, { signal }, async (attempt) => {
    try {
      const found = await bucket.client.send(command, { abortSignal: attempt });
      return { sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

export async function deleteObject(bucket: S3Bucket, digest: Digest): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket: bucket.bucket, Key: keyOf(bucket, digest) });
  await bucket.ask(`removing ${digest}`, noSignal, (attempt) =>
    bucket.client.send(command, { abortSignal: attempt }),
  );
}

export async function signObjectUrl(bucket: S3Bucket, digest: Digest): Promise<string> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const command = new GetObjectCommand({
    Bucket: bucket.bucket,
    Key: keyOf(bucket, digest),
    ResponseContentType: 'application/octet-stream',
  });
  return getSignedUrl(bucket.client, command, { expiresIn: signedForSeconds });
}

export async function probeBucket({ client, bucket, folder, ask }: S3Bucket): Promise<void> {
  await ask('listing the bucket', noSignal, (attempt) =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: folder, MaxKeys: 1 }), {
      abortSignal: attempt,
    }),
  );
}

/** Keeps one page in memory. */
export async function* listObjects({ client, bucket, folder, ask }: S3Bucket): AsyncGenerator<Digest> {
  for (let token: string | undefined; ;) {
    const page = await ask('listing the bucket', noSignal, () =>
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

/** Aborts the multipart uploads of dead processes: until then S3 stores their parts and charges for them. */
export async function abortUploads(
  { client, bucket, folder, ask }: S3Bucket,
  olderThanMs: number,
): Promise<void> {
  const newest = Date.now() - olderThanMs;
  for (let after: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}; ;) {
    const page = await ask('listing the uploads of the bucket', noSignal, () =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: folder, ...after })),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated.getTime() > newest) continue;
      await client
        .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
        .catch(async (error: unknown) => {
          // Completed or aborted meanwhile.
          if (!isMissing(error))
            await ask('aborting an upload', noSignal, () => Promise.reject(error as Error));
        });
    }
    if (page.IsTruncated !== true) return;
    after = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
