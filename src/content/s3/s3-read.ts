import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { ContentBody, ContentKey, FetchOptions } from '../../oci/content-source.ts';
import { contentUnknown } from '../content-error.ts';
import { isMissing, isTransient, pause, s3Error } from './s3-request.ts';
import type { S3Bucket } from './s3-bucket.ts';

export interface S3Object extends Pick<S3Bucket, 'client' | 'bucket' | 'ask' | 'timing'> {
  readonly key: string;
}

/** How often an interrupted body is resumed without any progress. */
const maxBreaks = 5;

/**
 * An object's bytes from `offset`, which is before its end. The request is sent at once, so that a missing object fails before the first byte.
 * An unread body must be aborted by the signal. Bytes leave the socket on demand, and an interrupted body is resumed by another request.
 * @throws TidemarkError `CONTENT_UNKNOWN` if the object is missing or has another size.
 */
export async function readObject(
  object: S3Object,
  descriptor: ContentKey,
  { offset = 0, signal }: FetchOptions,
): Promise<ContentBody> {
  const first = await openBody(object, descriptor, offset, signal);
  return { offset, bytes: readBody(object, descriptor, { offset, first, signal }) };
}

async function openBody(
  { client, bucket, key, ask }: S3Object,
  descriptor: ContentKey,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  const what = `reading ${descriptor.digest}`;
  const range = offset === 0 ? {} : { Range: `bytes=${offset}-` };
  const answer = await ask(what, { signal }, async (attempt) => {
    try {
      return await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...range }), {
        abortSignal: attempt,
      });
    } catch (error) {
      if (isMissing(error)) throw contentUnknown(descriptor, undefined);
      throw error;
    }
  });
  const { Body: body, ContentRange: contentRange, ContentLength: length = 0 } = answer;
  if (!(body instanceof Readable)) throw s3Error(what, new Error('no body'));
  const [, from = '', total = ''] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? [];
  const sizeBytes = contentRange === undefined ? length : Number(total);
  const starts = contentRange === undefined ? 0 : Number(from);
  if (sizeBytes === descriptor.size && starts === offset) return body;
  body.destroy();
  if (sizeBytes !== descriptor.size) throw contentUnknown(descriptor, sizeBytes);
  throw s3Error(what, new Error(`bytes from ${starts} came, those from ${offset} were asked for`));
}

interface Reading {
  readonly offset: number;
  readonly first: Readable;
  readonly signal: AbortSignal | undefined;
}

async function* readBody(
  object: S3Object,
  descriptor: ContentKey,
  { offset, first, signal }: Reading,
): AsyncGenerator<Uint8Array> {
  let position = offset;
  let body = first;
  let heardAt = performance.now();
  for (let breaks = 0; ;) {
    const leave = (): void => void body.destroy(new Error('aborted by the reader'));
    signal?.addEventListener('abort', leave, { once: true });
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        position += chunk.byteLength;
        breaks = 0;
        yield chunk;
        heardAt = performance.now();
      }
      if (position >= descriptor.size) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error)) throw s3Error(`reading ${descriptor.digest}`, error);
    } finally {
      signal?.removeEventListener('abort', leave);
      body.destroy();
    }
    breaks += 1;
    if (breaks > maxBreaks || performance.now() - heardAt >= object.timing.giveUpAfterMs)
      throw s3Error(`reading ${descriptor.digest}`, new Error(`broken off at byte ${position}`));
    await pause(breaks, signal);
    body = await openBody(object, descriptor, position, signal);
  }
}
