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

/** One coding that can be undone. */
export function isKnownCoding(coding: string): boolean {
  return Object.hasOwn(decoders, coding);
}

/** The content coding of an answer, where it is anything but identity. */
export function contentCoding(response: Pick<HttpResponse, 'headers'>): string | undefined {
  const field = joinedHeader(response.headers, 'content-encoding')?.trim().toLowerCase();
  return field === 'identity' ? undefined : field;
}

/**
 * The body without its content coding: none was asked for, and digests are of the bytes below it (faults 25, 26).
 * One coding of gzip, br or zstd is undone as the bytes are asked for, so a bomb grows only as far as its reader goes.
 * @throws TidemarkError `UPSTREAM_ENCODING_REFUSED` for several codings or an unknown one, and when it is damaged.
 */
export function decodedBody(response: HttpResponse): AsyncIterable<Uint8Array> {
  const coding = contentCoding(response);
  if (coding === undefined) return response.body;
  const decoder = decoders[coding];
  if (decoder === undefined)
    throw new TidemarkError(
      'UPSTREAM_ENCODING_REFUSED',
      `GET ${describeUrl(response.url)} was answered with Content-Encoding ${quoteValue(coding)}; expected none, or one of gzip, br, zstd. Something between changes the content.`,
    );
  return decode(response, decoder(), coding);
}

async function* decode(
  response: HttpResponse,
  decoder: Transform,
  coding: string,
): AsyncGenerator<Uint8Array> {
  // The decoder keeps what it was given until it has worked on it: a view that is reused will not do.
  const source = Readable.from(copies(response.body), { objectMode: false });
  pipeline(source, decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (cause) {
    if (isTidemarkError(cause)) throw cause;
    throw new TidemarkError(
      'UPSTREAM_ENCODING_REFUSED',
      `GET ${describeUrl(response.url)}: the body is said to be ${coding} and cannot be decoded; expected the content as it is stored.`,
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
