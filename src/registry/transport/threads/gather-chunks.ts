import { setTimeout as sleep } from 'node:timers/promises';
import { keepBuffer, sharedBuffer } from '../sockets/socket-inbox.ts';

/** Chunks of this size pass as they are. */
const enoughBytes = 256 * 1024;
const blockBytes = 512 * 1024;
const gatherMs = 20;

/**
 * Gathers the small chunks of a slow or encrypted connection in shared memory, for at most 20 ms, because each chunk costs the reader's thread some
 * messages. Received bytes come before an error.
 */
export async function* gatherChunks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = bytes[Symbol.asyncIterator]();
  const read = () => {
    const reading = chunks.next();
    // The error is reported by the next read.
    reading.catch(() => undefined);
    return reading;
  };
  let block: Buffer<SharedArrayBuffer> | undefined;
  let next = read();
  let hasEnded = false;
  try {
    for (;;) {
      const first = await next;
      if (first.done === true) break;
      if (first.value.byteLength >= enoughBytes) {
        yield first.value;
        next = read();
        continue;
      }
      block ??= sharedBuffer(blockBytes);
      let filled = 0;
      const over = new AbortController();
      const timedOut = sleep(gatherMs, undefined, { signal: over.signal }).catch(() => undefined);
      for (let more: IteratorResult<Uint8Array> | undefined = first; more?.done === false;) {
        if (filled + more.value.byteLength > blockBytes) break;
        block.set(more.value, filled);
        filled += more.value.byteLength;
        next = read();
        if (filled >= enoughBytes) break;
        more = await Promise.race([next.catch(() => undefined), timedOut]);
      }
      over.abort();
      yield block.subarray(0, filled);
    }
    hasEnded = true;
  } finally {
    if (hasEnded && block !== undefined) keepBuffer(block);
    else if (!hasEnded) chunks.return?.().catch(() => undefined);
  }
}
