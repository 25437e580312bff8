import { pipeline } from 'node:stream';
import { Readable } from 'node:stream';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import { TidemarkError, isTidemarkError, quoteValue } from '../../oci/error.ts';
import { describeUrl, joinedHeader } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** A supported coding. */
export function isKnownCoding(coding: string): boolean {
  return Object.hasOwn(decoders, coding);
}

/** The content coding of an answer; undefined for identity. */
export function contentCoding(response: Pick<HttpResponse, 'headers'>): string | undefined {
  const field = joinedHeader(response.headers, 'content-encoding')?.trim().toLowerCase();
  return field === 'identity' ? undefined : field;
}

/**
 * Decodes a body: digests are of the decoded bytes, and no coding was requested (faults 25, 26). One of gzip, br or zstd is decoded on demand, so
 * that a decompression bomb is bounded by its reader.
 * @throws TidemarkError `UPSTREAM_ENCODING_REFUSED` for several or unknown codings, and for damaged content.
 */
export function decodedBody(response: HttpResponse): AsyncIterable<Uint8Array> {
  const coding = contentCoding(response);
  if (coding === undefined) return response.body;
  const decoder = decoders[coding];
  if (decoder === undefined)
    throw new TidemarkError(
      'UPSTREAM_ENCODING_REFUSED',
      `GET ${describeUrl(response.url)} was answered with Content-Encoding ${quoteValue(coding)}; expected none, or one of gzip, br, zstd. A proxy may change the content.`,
    );
  return decode(response, decoder(), coding);
}

async function* decode(
  response: HttpResponse,
  decoder: Transform,
  coding: string,
): AsyncGenerator<Uint8Array> {
  // The decoder keeps its input, so a reused buffer must be copied.
  const source = Readable.from(copies(response.body), { objectMode: false });
  pipeline(source, decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (cause) {
    if (isTidemarkError(cause)) throw cause;
    throw new TidemarkError(
      'UPSTREAM_ENCODING_REFUSED',
      `GET ${describeUrl(response.url)}: the body could not be decoded as ${coding}; expected the content without a coding.`,
      { cause },
    );
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

async function* copies(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of body) yield Buffer.from(chunk);
}
