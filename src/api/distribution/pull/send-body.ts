import type { ServerResponse } from 'node:http';
import type { ContentKey, ContentSource } from '../../../oci/content-source.ts';
import type { ByteRange } from './range.ts';

/** The idle timeout of a client that receives a body (fault 80). */
const stallMs = 60_000;

/** Large chunks are faster, but a slow client keeps its chunk in memory: only this many bodies use them. */
const largeChunks = { bytes: 1024 * 1024, bodiesMax: 64 };
const smallChunkBytes = 64 * 1024;
let bodiesInFlight = 0;

export interface BodyToSend {
  readonly descriptor: ContentKey;
  readonly range: ByteRange;
  /** Writes the head; called when the first bytes are available. A later error can only abort the connection. */
  readonly begin: () => void;
}

/**
 * Streams a part of a blob. The next chunk is read after the kernel has taken the last one, so memory depends neither on the size nor on the
 * client. A disconnect ends the read and closes the source.
 * @throws what the source threw before `begin`. A later error aborts the connection: a body is never short (fault 115).
 */
export async function sendBody(
  response: ServerResponse,
  source: ContentSource,
  { descriptor, range, begin }: BodyToSend,
): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  if (response.destroyed) leave();
  const chunkBytes = bodiesInFlight < largeChunks.bodiesMax ? largeChunks.bytes : smallChunkBytes;
  bodiesInFlight += 1;
  try {
    const body = await source.fetch(descriptor, {
      offset: range.start,
      lengthBytes: range.lengthBytes,
      signal: gone.signal,
      chunkBytes,
    });
    const chunks = cut(body.bytes, range.start - body.offset, range.lengthBytes);
    try {
      let next = await chunks.next();
      begin();
      response.setTimeout(stallMs);
      for (; next.done !== true; next = await chunks.next()) await write(response, next.value);
      response.end();
    } finally {
      await chunks.return(undefined);
    }
  } catch (error) {
    if (!response.headersSent && !gone.signal.aborted) throw error;
    response.destroy();
    if (!gone.signal.aborted) throw error;
  } finally {
    bodiesInFlight -= 1;
    response.off('close', leave);
  }
}

/** Skips `skipBytes`, then passes `lengthBytes` on, without a copy. */
async function* cut(
  bytes: AsyncIterable<Uint8Array>,
  skipBytes: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let toSkip = skipBytes;
  let missing = lengthBytes;
  if (missing === 0) return;
  for await (const chunk of bytes) {
    const part = chunk.subarray(toSkip, toSkip + missing);
    toSkip = Math.max(0, toSkip - chunk.byteLength);
    missing -= part.byteLength;
    if (part.byteLength > 0) yield part;
    if (missing === 0) return;
  }
  throw new Error(`The content ended ${missing} bytes early.`);
}

/** Resolves when the kernel has the bytes: the source reuses its buffer. */
function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('The client disconnected.'));
    response.once('close', onClose);
    response.write(chunk, (error) => {
      response.off('close', onClose);
      if (error) reject(error);
      else resolve();
    });
  });
}
