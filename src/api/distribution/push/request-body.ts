import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { quoteValue } from '../../../oci/error.ts';
import { refuse } from '../error.ts';

/** The idle timeout of a client that sends a body (fault 80). */
const stallMs = 60_000;

/**
 * Streams the body, one chunk in memory. An early return leaves the connection open for the answer.
 * @throws TidemarkError `BLOB_UPLOAD_INVALID` if the client disconnects before the end.
 */
export async function* readBody({ raw }: FastifyRequest): AsyncGenerator<Uint8Array> {
  raw.setTimeout(stallMs);
  try {
    for await (const chunk of raw.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    if (!raw.complete) throw left();
  } catch (error) {
    if (raw.destroyed && !raw.complete) throw left(error);
    throw error;
  } finally {
    raw.setTimeout(0);
  }
}

/** For a body that is not needed: the client reads the answer once it has sent all of it. */
export async function discardBody(request: FastifyRequest): Promise<void> {
  for await (const chunk of readBody(request)) void chunk;
}

/**
 * Reads a body of at most `maxBytes` (fault 68).
 * @throws TidemarkError `SIZE_INVALID` with status 413, as soon as the body is known to be longer
 */
export async function readWhole(request: FastifyRequest, maxBytes: number): Promise<Buffer> {
  const announced = contentLength(request.raw);
  if (announced !== undefined && announced > maxBytes) throw tooLarge(`has ${announced} bytes`, maxBytes);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of readBody(request)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(`has ${sizeBytes} bytes and more`, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/** Undefined without the header. */
export function contentLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

export interface ContentRange {
  readonly start: number;
  readonly end: number;
}

/** `Content-Range: <start>-<end>`, both inclusive. Some clients use the syntax of RFC 9110. */
export function readContentRange(request: FastifyRequest): ContentRange | undefined {
  const header = request.headers['content-range'];
  if (header === undefined) return undefined;
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:\*|[0-9]+))?$/.exec(header);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  const length = contentLength(request.raw);
  const fits = match !== null && end >= start && (length === undefined || length === end - start + 1);
  if (fits) return { start, end };
  throw refuse(
    'SIZE_INVALID',
    `The Content-Range is ${quoteValue(header)} and the Content-Length ${length ?? 'absent'}; expected <first>-<last>, ` +
      'the positions of the first and the last byte sent.',
  );
}

function tooLarge(what: string, maxBytes: number): Error {
  return refuse(
    'SIZE_INVALID',
    `The manifest ${what}; at most ${maxBytes} are taken. Its content belongs into blobs.`,
    413,
  );
}

function left(cause?: unknown): Error {
  return refuse(
    'BLOB_UPLOAD_INVALID',
    'The client disconnected before the end of the body.',
    undefined,
    cause,
  );
}
