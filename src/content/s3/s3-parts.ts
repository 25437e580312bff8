import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { digestHex } from '../../oci/digest.ts';
import type { PartStore } from '../upload-store.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { readObject } from './s3-read.ts';
import { uploadRange } from './s3-upload.ts';

const noSignal = { signal: undefined };

/** Parts of uploads at `<prefix>/uploads/<id>/<hex>`. Two processes that write other bytes never write the same object. */
export function createS3Parts(
  bucket: S3Bucket,
  {
    limit,
    partBytes,
  }: { readonly limit: <T>(work: () => Promise<T>) => Promise<T>; readonly partBytes: number },
): PartStore {
  const { client, bucket: Bucket, uploads, ask } = bucket;
  return {
    partBytes,
    put: (id, piece) =>
      uploadRange({ ...bucket, limit }, piece, (digest) => `${uploads}${id}/${digestHex(digest)}`),
    async fetch(id, { digest, sizeBytes }) {
      const key = `${uploads}${id}/${digestHex(digest)}`;
      const descriptor = { digest, size: sizeBytes, mediaType: 'application/octet-stream' };
      return (await readObject({ ...bucket, key }, descriptor, {})).bytes;
    },
    async remove(id) {
      for await (const { Contents = [] } of listPages(bucket, { Prefix: `${uploads}${id}/` }))
        for (const { Key } of Contents)
          await ask(`removing an upload`, noSignal, (attempt) =>
            client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal: attempt }),
          );
    },
    async *list() {
      for await (const { CommonPrefixes = [] } of listPages(bucket, { Prefix: uploads, Delimiter: '/' }))
        for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(uploads.length, -1);
    },
  };
}

async function* listPages(
  { client, bucket: Bucket, ask }: S3Bucket,
  wish: { Prefix: string; Delimiter?: string },
) {
  for (let token: string | undefined; ;) {
    const page = await ask('listing the uploads of the bucket', noSignal, () =>
      client.send(new ListObjectsV2Command({ Bucket, ...wish, ContinuationToken: token })),
    );
    yield page;
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return;
  }
}
