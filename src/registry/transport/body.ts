import { TidemarkError } from '../../oci/error.ts';
import { describeUrl } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';

/** The whole body, or undefined (connection closed) if it is longer than `maxBytes`. */
export async function readUpTo(
  response: Pick<HttpResponse, 'body'>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    // The source reuses the chunk's buffer.
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks, length);
}

/** The minimum rate of a body (fault 51). A slower peer would block a slot. */
export interface MinimumRate {
  readonly bytesPerSecond: number;
  /** Measured over this time of waiting; the reader's own time is excluded. */
  readonly windowMs: number;
}

export const defaultMinimumRate: MinimumRate = { bytesPerSecond: 1024, windowMs: 30_000 };

/** @throws TidemarkError `UPSTREAM_TIMEOUT` (retryable) while reading below the minimum rate */
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
          `GET ${describeUrl(url)}: only ${received} bytes arrived in ${Math.round(waitedMs / 1000)} s; expected at least ${rate.bytesPerSecond} a second.`,
          { retryable: true },
        );
      waitedMs = 0;
      received = 0;
    }
    yield chunk;
    waitingSince = performance.now();
  }
}
