import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { ContentKey } from '../../oci/content-source.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm, digestHex } from '../../oci/digest.ts';
import { digestMismatch } from '../content-error.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { onDisk } from '../storage-error.ts';
import type { FilePiece } from '../upload-store.ts';

export interface S3Target extends Pick<S3Bucket, 'client' | 'bucket' | 'ask'> {
  readonly key: string;
  /** Bounds the concurrent requests with a body. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
  readonly partBytes: number;
}

/** The limit of S3 for one object. */
const maxParts = 10_000;
const partsInFlight = 3;
const readBytes = 1024 * 1024;
const inBuild = { step: 'build', name: 'tellHash' } as const;

/**
 * Uploads a verified file under its final key, in one request or in parts. The server verifies the sha256 of each body
 * (`x-amz-content-sha256`), and an object appears whole or not at all: nothing unverified is ever under the key. The file is streamed.
 */
export async function uploadFile(
  target: S3Target,
  path: string,
  descriptor: ContentKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (descriptor.size <= target.partBytes) await uploadWhole(target, path, descriptor, signal);
  else await uploadParts(target, path, descriptor, signal);
}

async function uploadWhole(
  target: S3Target,
  path: string,
  { digest, size }: ContentKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, bucket, key } = target;
  const piece = { path, start: 0, end: size };
  const hash = createHash('sha256');
  if (digestAlgorithm(digest) !== 'sha256') await hashPiece(piece, [hash]);
  const sha256 = digestAlgorithm(digest) === 'sha256' ? digestHex(digest) : hash.digest('hex');
  await sendPiece({ ...target, digest, signal }, piece, (Body) => {
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentLength: size });
    command.middlewareStack.add(tellHash(sha256), inBuild);
    return client.send(command, signal === undefined ? {} : { abortSignal: signal });
  });
}

/** Uploads a range of a file under the key of its digest. */
export async function uploadRange(
  target: Omit<S3Target, 'key' | 'partBytes'>,
  piece: FilePiece,
  keyOf: (digest: Digest) => string,
): Promise<Digest> {
  const { client, bucket: Bucket } = target;
  const hash = createHash('sha256');
  await hashPiece(piece, [hash]);
  const sha256 = hash.digest('hex');
  const digest = `sha256:${sha256}` as Digest;
  await sendPiece({ ...target, digest, signal: undefined }, piece, (Body) => {
    const ContentLength = piece.end - piece.start;
    const command = new PutObjectCommand({ Bucket, Key: keyOf(digest), Body, ContentLength });
    command.middlewareStack.add(tellHash(sha256), inBuild);
    return client.send(command);
  });
  return digest;
}

async function uploadParts(
  target: S3Target,
  path: string,
  descriptor: ContentKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, bucket: Bucket, key: Key, ask } = target;
  const what = `writing ${descriptor.digest}`;
  const created = await ask(what, { signal }, (attempt) =>
    client.send(new CreateMultipartUploadCommand({ Bucket, Key }), { abortSignal: attempt }),
  );
  const upload = { Bucket, Key, UploadId: created.UploadId };
  try {
    const parts = await sendParts(target, upload, { path, descriptor, signal });
    await ask(what, { signal, isLong: true }, () =>
      client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })),
    );
  } catch (error) {
    // The sweep aborts it later if this fails.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

interface Source {
  readonly path: string;
  readonly descriptor: ContentKey;
  readonly signal: AbortSignal | undefined;
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

/**
 * Sends a few parts concurrently, each hashed before it is sent. Together they must have the blob's digest: the file may have changed on the
 * disk since it was verified.
 */
async function sendParts(
  target: S3Target,
  upload: Upload,
  { path, descriptor, signal }: Source,
): Promise<CompletedPart[]> {
  const { digest, size } = descriptor;
  // One percent below the limit, so that rounding cannot exceed it.
  const partBytes = Math.max(target.partBytes, Math.ceil(size / (maxParts * 0.99)));
  const total = createHash(digestAlgorithm(digest));
  const stop = new AbortController();
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const sending = new Set<Promise<unknown>>();
  const parts: CompletedPart[] = [];
  try {
    for (let start = 0, number = 1; start < size; start += partBytes, number += 1) {
      stopped.throwIfAborted();
      const piece = { path, start, end: Math.min(size, start + partBytes) };
      const own = createHash('sha256');
      await hashPiece(piece, [own, total]);
      const sent = sendPart({ ...target, digest, signal: stopped }, upload, piece, {
        number,
        sha256: own.digest('hex'),
      }).then((ETag) => parts.push({ PartNumber: number, ETag }));
      sending.add(sent);
      sent.then(
        () => sending.delete(sent),
        (error: unknown) => stop.abort(error),
      );
      if (sending.size >= partsInFlight) await Promise.race(sending);
    }
    await Promise.all(sending);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(sending);
    throw error;
  }
  const actual = `${digestAlgorithm(digest)}:${total.digest('hex')}` as Digest;
  if (actual !== digest) throw digestMismatch(descriptor, actual);
  return parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}

async function sendPart(
  target: Sending,
  upload: Upload,
  piece: FilePiece,
  { number, sha256 }: { readonly number: number; readonly sha256: string },
): Promise<string | undefined> {
  const { ETag } = await sendPiece(target, piece, (Body) => {
    const command = new UploadPartCommand({
      ...upload,
      PartNumber: number,
      Body,
      ContentLength: piece.end - piece.start,
    });
    command.middlewareStack.add(tellHash(sha256), inBuild);
    return target.client.send(command, target.signal === undefined ? {} : { abortSignal: target.signal });
  });
  return ETag;
}

interface Sending extends Omit<S3Target, 'key' | 'partBytes'> {
  readonly digest: Digest;
  readonly signal: AbortSignal | undefined;
}

/** Each attempt reads the file again. */
function sendPiece<T>(
  { limit, digest, signal, ask }: Sending,
  piece: FilePiece,
  request: (body: Readable) => Promise<T>,
): Promise<T> {
  return limit(() => ask(`writing ${digest}`, { signal, isLong: true }, () => withBody(piece, request)));
}

/** Makes the server verify the body against this hash, over http too. */
function tellHash(sha256: string) {
  return <A extends { request: unknown }, R>(next: (args: A) => R) =>
    (args: A): R => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return next(args);
    };
}

async function hashPiece(piece: FilePiece, hashes: readonly Hash[]): Promise<void> {
  await withBody(piece, async (body) => {
    for await (const chunk of body) for (const hash of hashes) hash.update(chunk as Buffer);
  });
}

/** A failed read ends the work: the request would wait for the body. */
async function withBody<T>(
  { path, start, end }: FilePiece,
  work: (body: Readable) => Promise<T>,
): Promise<T> {
  const body =
    start === end
      ? Readable.from([], { objectMode: false })
      : createReadStream(path, { start, end: end - 1, highWaterMark: readBytes });
  const failed = onDisk(
    'reading a partial file',
    new Promise<never>((_, reject) => body.once('error', reject)),
  );
  try {
    return await Promise.race([work(body), failed]);
  } finally {
    failed.catch(() => undefined);
    body.destroy();
  }
}
