import type { ContentBody, ContentKey, FetchOptions } from '../oci/content-source.ts';
import { TidemarkError } from '../oci/error.ts';
import { limitedBody, needsSmallReads } from './byte-budget.ts';
import type { ByteBudget } from './byte-budget.ts';
import { pacedBody } from './transport/body.ts';
import type { MinimumRate } from './transport/body.ts';
import { codedBody, isBlobAsSent } from './transport/coded-blob.ts';
import type { BlobCodings } from './transport/coded-blob.ts';
import { contentCoding } from './transport/content-coding.ts';
import { contentLength, describeUrl, singleHeader } from './transport/exchange.ts';
import type { HttpResponse } from './transport/exchange.ts';
import { truncated } from './transport/network-error.ts';
import type { Requester } from './requester.ts';
import { checkStatus } from './status.ts';

export interface BlobRequest {
  readonly requester: Requester;
  /** `…/v2/<name>/blobs/<digest>` */
  readonly url: URL;
  readonly descriptor: ContentKey;
  readonly options: FetchOptions;
  readonly minimumRate: MinimumRate | undefined;
  readonly budget: ByteBudget | undefined;
  readonly codings: BlobCodings;
  /** Whether a manifest names the URL. */
  readonly isStranger?: boolean;
}

/**
 * distribution-spec, "Pulling blobs". An offset becomes a Range request. If the answer is not exactly that part of this blob, the whole blob is
 * requested (fault 7 to 9).
 */
export async function fetchBlob(request: BlobRequest): Promise<ContentBody> {
  const offset = request.options.offset ?? 0;
  // A Range cannot express an empty part.
  if (offset > 0 && offset >= request.descriptor.size) return { offset, bytes: nothing() };
  const part = offset > 0 ? await openBody(request, offset) : undefined;
  const body = part ?? (await openBody(request, 0));
  if (body === undefined) throw new Error('A request without Range was treated as one with Range.');
  return body;
}

/** Undefined if the answer was not a usable part. */
async function openBody(request: BlobRequest, offset: number): Promise<ContentBody | undefined> {
  const { requester, url, descriptor, options, budget, isStranger } = request;
  const input = {
    method: 'GET' as const,
    url,
    headers: { accept: '*/*', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
    signal: options.signal,
    threadBytes: needsSmallReads(budget) ? undefined : descriptor.size - offset,
    isStranger,
  };
  return requester.open(input, async (response, sent, whenDone) => {
    if (
      offset > 0 &&
      (response.status === 416 || (response.status === 206 && !isPart(response, offset, descriptor.size)))
    ) {
      await response.discard();
      whenDone();
      return undefined;
    }
    if (response.status === 404) {
      await response.discard();
      throw new TidemarkError(
        'CONTENT_UNKNOWN',
        `GET ${describeUrl(url)} was answered 404: ${
          isStranger === true
            ? 'the manifest names this URL, but the layer does not exist there.'
            : 'a manifest names this blob, but the upstream does not have it. Push the image there again.'
        }`,
        { status: 404 },
      );
    }
    await checkStatus(sent, response, ...(offset > 0 ? [200, 206] : [200]));
    const start = response.status === 206 ? offset : 0;
    await refuseWrongSize(response, descriptor, start);
    const rest = descriptor.size - start;
    const isCoded = contentCoding(response) !== undefined;
    const isAsSent = isBlobAsSent(response, descriptor, request.codings);
    const body = isCoded ? codedBody(response, descriptor, request.codings) : response.body;
    const raw = pacedBody(body, response.url, request.minimumRate);
    // outside of the minimum rate, which is the upstream's
    const limited =
      budget === undefined ? raw : limitedBody(raw, budget, { size: rest, signal: sent.signal });
    return { offset: start, bytes: boundedBody(limited, { rest, response, isAsSent, whenDone }) };
  });
}

/** Whether Content-Range covers the blob from the offset to its end, with its size or `*` (faults 8, 9). */
function isPart(response: HttpResponse, offset: number, size: number): boolean {
  if (contentCoding(response) !== undefined) return false;
  const field = singleHeader(response.headers, 'content-range');
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(field?.trim() ?? '');
  if (match === null) return false;
  const [, first, last, total] = match;
  const length = contentLength(response.headers);
  return (
    Number(first) === offset &&
    Number(last) === size - 1 &&
    (total === '*' || Number(total) === size) &&
    (length === undefined || length === size - offset)
  );
}

/** Refuses a Content-Length other than the descriptor's, before the first byte (fault 2). */
async function refuseWrongSize(response: HttpResponse, descriptor: ContentKey, start: number): Promise<void> {
  const length = contentLength(response.headers);
  if (length === undefined || contentCoding(response) !== undefined || length === descriptor.size - start)
    return;
  await response.discard();
  throw new TidemarkError(
    'SIZE_MISMATCH',
    `GET ${describeUrl(response.url)} announces ${length} bytes; expected ${descriptor.size - start} by its descriptor. Nothing was kept. Push the image to the upstream again.`,
  );
}

interface BodyBounds {
  readonly rest: number;
  readonly response: HttpResponse;
  /** Whether Content-Length is that of these bytes. */
  readonly isAsSent: boolean;
  readonly whenDone: () => void;
}

/** Yields at most one byte too many, which tells the store of a wrong size. An early end is `UPSTREAM_TRUNCATED`. */
async function* boundedBody(
  bytes: AsyncIterable<Uint8Array>,
  { rest, response, isAsSent, whenDone }: BodyBounds,
): AsyncGenerator<Uint8Array> {
  const announced = isAsSent ? contentLength(response.headers) : undefined;
  let received = 0;
  try {
    for await (const chunk of bytes) {
      const room = rest + 1 - received;
      received += chunk.length;
      if (chunk.length >= room) {
        yield chunk.subarray(0, room);
        return;
      }
      yield chunk;
    }
    if (announced !== undefined && received < announced)
      throw truncated(`GET ${describeUrl(response.url)}`, `${received} of ${announced} bytes came`);
  } finally {
    whenDone();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
