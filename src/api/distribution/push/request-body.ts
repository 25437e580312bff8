import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { refuse } from '../error.ts';

/** How long a client may send no byte before it is let go of (fault 80). */
const stallMs = 60_000;

/**
 * The body as it comes; memory is what the kernel and one chunk hold. Ending early leaves the connection open for the answer.
 * @throws TidemarkError `BLOB_UPLOAD_INVALID` when the client leaves before its end.
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

/**
 * A whole body of at most `maxBytes`; one that is longer is refused before, or as soon as, it is seen to be (fault 68).
 * @throws TidemarkError `SIZE_INVALID` with status 413
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

/** Undefined where the body's length is not announced. */
export function contentLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function tooLarge(what: string, maxBytes: number): Error {
  return refuse(
    'SIZE_INVALID',
    `The manifest ${what}; at most ${maxBytes} are taken. Its content belongs into blobs.`,
    413,
  );
}

function left(cause?: unknown): Error {
  return refuse('BLOB_UPLOAD_INVALID', 'The client left before the end of what it sent.', undefined, cause);
}
