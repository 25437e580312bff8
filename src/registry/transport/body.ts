import { TidemarkError } from '../../oci/error.ts';
import { describeUrl } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';

/** The whole body, or undefined (connection closed) as soon as it is longer than `maxBytes`. */
export async function readUpTo(
  response: Pick<HttpResponse, 'body'>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    // The chunk's buffer is used again for the next one.
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks, length);
}

/** The slowest body that is put up with (fault 51): a peer that keeps a slot with a byte now and then. */
export interface MinimumRate {
  readonly bytesPerSecond: number;
  /** Over this time of waiting for bytes; time that the reader takes for itself does not count. */
  readonly windowMs: number;
}

export const defaultMinimumRate: MinimumRate = { bytesPerSecond: 1024, windowMs: 30_000 };

/** @throws TidemarkError `UPSTREAM_TIMEOUT` (retryable) while reading, when the rate is below the minimum. */
export async function* pacedBody(
  bytes: AsyncIterable<Uint8Array>,
  url: URL,
  rate: MinimumRate = defaultMinimumRate,
): AsyncGenerator<Uint8Array> {
  let waitedMs = 0;
  let received = 0;
  let waitingSince = performance.now();
  for await (const chunk of bytes) {
    waitedMs += performance.now() - waitingSince;
    received += chunk.length;
    if (waitedMs >= rate.windowMs) {
      if (received < (rate.bytesPerSecond * waitedMs) / 1000)
        throw new TidemarkError(
          'UPSTREAM_TIMEOUT',
          `GET ${describeUrl(url)}: only ${received} bytes came in ${Math.round(waitedMs / 1000)} s; expected at least ${rate.bytesPerSecond} a second.`,
          { retryable: true },
        );
      waitedMs = 0;
      received = 0;
    }
    yield chunk;
    waitingSince = performance.now();
  }
}
