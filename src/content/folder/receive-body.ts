import type { ContentKey, ContentSource } from '../../oci/content-source.ts';
import { TidemarkError } from '../../oci/error.ts';
import { abortable } from '../abortable.ts';
import type { PushOptions } from '../store.ts';

/** What takes the bytes: a file or a buffer that counts and hashes them. */
export interface BodySink {
  readonly sizeBytes: number;
  append(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

export interface ReceivedBody {
  readonly fetchedBytes: number;
  /** Set when more bytes came than the descriptor's size; no byte beyond it was taken. */
  readonly mismatch?: TidemarkError;
}

/**
 * Asks the source for what the sink lacks, and takes it. A source that answers from 0 where another offset was asked
 * is taken from 0, never appended (fault 7).
 * @throws TidemarkError `UPSTREAM_TRUNCATED` when the source ends early, `UPSTREAM_RANGE_INVALID` when it begins
 *   elsewhere; what the source or the sink threw; the signal's reason.
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

/** Not awaited: a source that is stuck in `next` would hold us here, and the signal is meant to free us. */
function release(chunks: AsyncIterator<Uint8Array>): void {
  chunks.return?.().catch(() => undefined);
}

function tooLong(descriptor: ContentKey, receivedBytes: number): TidemarkError {
  return new TidemarkError(
    'SIZE_MISMATCH',
    `At least ${receivedBytes} bytes came for ${descriptor.digest}, whose descriptor says ${descriptor.size}; reading was stopped ` +
      'and nothing kept. The manifest or the blob at the upstream is wrong: re-push the image there.',
  );
}

function truncated(descriptor: ContentKey, receivedBytes: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `The bytes of ${descriptor.digest} ended after ${receivedBytes} of ${descriptor.size}; the next try goes on from what is kept of ` +
      'large content. If it ends there again, the blob at the upstream is damaged: re-push the image there.',
    { retryable: true },
  );
}

function wrongOffset(descriptor: ContentKey, asked: number, answered: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RANGE_INVALID',
    `The bytes of ${descriptor.digest} were asked for from ${asked} and came from ${answered}; expected ${asked} or 0. ` +
      'They were not used; a proxy that answers range requests wrongly may be between.',
    { retryable: true },
  );
}
