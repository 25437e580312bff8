import { createHash } from 'node:crypto';
import type { ContentKey } from '../../oci/content-source.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { contentCoding, decodedBody, isKnownCoding } from './content-coding.ts';
import { contentLength, describeUrl } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';

/*
 * With Content-Encoding, either a proxy has encoded the blob, or the blob is stored gzipped with that label and the bytes as sent are the blob
 * (moby/moby#17595). The digest decides: after a mismatch, the next attempt reads it the other way.
 */

/** The wrong readings of encoded answers, by digest, of one client. */
export interface BlobCodings {
  readonly notDecoded: Set<string>;
  readonly notAsSent: Set<string>;
}

const rememberedMost = 1_000;

export function createBlobCodings(): BlobCodings {
  return { notDecoded: new Set(), notAsSent: new Set() };
}

/** Whether the body as sent is read as the blob. */
export function isBlobAsSent(
  response: HttpResponse,
  { digest, size }: ContentKey,
  codings: BlobCodings,
): boolean {
  const coding = contentCoding(response);
  if (coding === undefined) return true;
  if (!isKnownCoding(coding) || codings.notAsSent.has(digest)) return false;
  return codings.notDecoded.has(digest) || contentLength(response.headers) === size;
}

/** The bytes of an encoded answer, as sent or decoded. */
export function codedBody(
  response: HttpResponse,
  descriptor: ContentKey,
  codings: BlobCodings,
): AsyncIterable<Uint8Array> {
  return isBlobAsSent(response, descriptor, codings)
    ? checkAsSent(response.body, descriptor, codings)
    : checkDecoded(response, descriptor, codings);
}

async function* checkAsSent(
  body: AsyncIterable<Uint8Array>,
  { digest, size }: ContentKey,
  { notAsSent }: BlobCodings,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(digest));
  let received = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    received += chunk.byteLength;
    // Before the last byte is yielded: the reader may stop after it.
    if (received >= size && `${digestAlgorithm(digest)}:${hash.copy().digest('hex')}` !== digest)
      remember(notAsSent, digest);
    yield chunk;
  }
  if (received < size) remember(notAsSent, digest);
}

async function* checkDecoded(
  response: HttpResponse,
  { digest, size }: ContentKey,
  { notDecoded, notAsSent }: BlobCodings,
): AsyncGenerator<Uint8Array> {
  const mayBeAsSent = !notAsSent.has(digest) && isKnownCoding(contentCoding(response) ?? '');
  let received = 0;
  try {
    for await (const chunk of decodedBody(response)) {
      received += chunk.byteLength;
      if (received > size && mayBeAsSent) throw otherwise(response);
      yield chunk;
    }
    if (received < size && mayBeAsSent) throw otherwise(response);
  } catch (error) {
    if (!mayBeAsSent || !isTidemarkError(error) || error.code !== 'UPSTREAM_ENCODING_REFUSED') throw error;
    remember(notDecoded, digest);
    throw otherwise(response, error);
  }
}

function otherwise(response: HttpResponse, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_ENCODING_REFUSED',
    `GET ${describeUrl(response.url)}: the decoded body is not the blob. The request is repeated, and the body is read as sent.`,
    { retryable: true, cause },
  );
}

function remember(digests: Set<string>, digest: string): void {
  if (digests.size >= rememberedMost) digests.delete(digests.values().next().value ?? '');
  digests.add(digest);
}
