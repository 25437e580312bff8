import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import { TidemarkError } from '../../oci/error.ts';
import { abortable } from '../abortable.ts';
import type { PushOptions } from '../store.ts';

/** A file or a buffer that receives a body. */
export interface BodySink {
  readonly sizeBytes: number;
  append(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

export interface ReceivedBody {
  readonly fetchedBytes: number;
  /** Set if the source has more bytes than the descriptor's size; no byte beyond it was stored. */
  readonly mismatch?: TidemarkError;
}

/**
 * Fetches what the sink lacks. If the source starts at 0 instead of the requested offset, the sink restarts (fault 7).
 * @throws TidemarkError `UPSTREAM_TRUNCATED` if the source ends early, `UPSTREAM_RANGE_INVALID` if it starts elsewhere; errors of the source or the
 * sink; the signal's reason.
 */
export async function receiveBody(
  sink: BodySink,
  descriptor: ContentKey,
  source: ContentSource,
  { signal, onProgress }: PushOptions,
): Promise<ReceivedBody> {
  const asked = sink.sizeBytes;
  const fetchOptions = { ...(asked > 0 && { offset: asked }), ...(signal !== undefined && { signal }) };
  const body = await abortable(source.fetch(descriptor, fetchOptions), signal);
  if (body.offset === 0 && asked > 0) await sink.restart();
  else if (body.offset !== asked) throw wrongOffset(descriptor, asked, body.offset);

  const chunks = body.bytes[Symbol.asyncIterator]();
  let fetchedBytes = 0;
  let ended = false;
  try {
    for (;;) {
      const next = await abortable(chunks.next(), signal);
      if (next.done === true) break;
      const chunk = next.value;
      fetchedBytes += chunk.byteLength;
      if (sink.sizeBytes + chunk.byteLength > descriptor.size)
        return { fetchedBytes, mismatch: tooLong(descriptor, sink.sizeBytes + chunk.byteLength) };
      await sink.append(chunk);
      onProgress?.(sink.sizeBytes, sink.sizeBytes - fetchedBytes);
    }
    ended = true;
  } finally {
    if (!ended) release(chunks);
  }
  if (sink.sizeBytes < descriptor.size) throw truncated(descriptor, sink.sizeBytes);
  return { fetchedBytes };
}

/** Not awaited: a source that hangs in `next` would block an abort. */
function release(chunks: AsyncIterator<Uint8Array>): void {
  chunks.return?.().catch(() => undefined);
}

function tooLong(descriptor: ContentKey, receivedBytes: number): TidemarkError {
  return new TidemarkError(
    'SIZE_MISMATCH',
    `At least ${receivedBytes} bytes arrived for ${descriptor.digest}; its descriptor says ${descriptor.size}. Nothing was kept. ` +
      'The manifest or the blob at the upstream is wrong. Push the image there again.',
  );
}

function truncated(descriptor: ContentKey, receivedBytes: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `The bytes of ${descriptor.digest} ended after ${receivedBytes} of ${descriptor.size}. The next attempt resumes large content. ` +
      'If it ends there again, the blob at the upstream is damaged. Push the image there again.',
    { retryable: true },
  );
}

function wrongOffset(descriptor: ContentKey, asked: number, answered: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RANGE_INVALID',
    `The bytes of ${descriptor.digest} were requested from ${asked}, but started at ${answered}; expected ${asked} or 0. ` +
      'They were not used. Check whether a proxy answers range requests wrongly.',
    { retryable: true },
  );
}
