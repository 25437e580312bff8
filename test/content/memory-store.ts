import type { ContentBody, ContentKey, ContentSource } from '../../src/oci/content-source.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { createBufferSink } from '../../src/content/folder/buffer-sink.ts';
import { contentUnknown, digestMismatch, offsetInvalid } from '../../src/content/content-error.ts';
import { pushInTwo } from '../../src/content/folder/push-attempts.ts';
import { receiveBody } from '../../src/content/folder/receive-body.ts';
import { createSingleFlight } from '../../src/content/single-flight.ts';
import type { ContentDeleter, ContentStore, PushOptions } from '../../src/content/store.ts';

/** The contract of the folder store, in memory, for tests of what copies between stores. */
export function createMemoryStore(): ContentStore & ContentDeleter {
  const stored = new Map<Digest, Buffer>();
  const partial = new Map<string, Buffer>();
  const singleFlight = createSingleFlight();

  async function attempt(descriptor: ContentKey, source: ContentSource, options: PushOptions) {
    const begun = `${descriptor.digest} ${options.apart ?? ''}`;
    const sink = createBufferSink(partial.get(begun));
    partial.delete(begun);
    const resumed = sink.sizeBytes > 0;
    try {
      const received =
        sink.sizeBytes < descriptor.size
          ? await receiveBody(sink, descriptor, source, options)
          : { fetchedBytes: 0 };
      const actual = sink.digest(descriptor.digest);
      const mismatch =
        received.mismatch ?? (actual === descriptor.digest ? undefined : digestMismatch(descriptor, actual));
      if (mismatch === undefined) stored.set(descriptor.digest, sink.bytes());
      return { fetchedBytes: received.fetchedBytes, resumed, mismatch };
    } catch (error) {
      partial.set(begun, sink.bytes());
      throw error;
    }
  }

  return {
    exists: async ({ digest, size }) => stored.get(parseDigest(digest))?.byteLength === size,
    async fetch(descriptor, { offset = 0 } = {}): Promise<ContentBody> {
      const bytes = stored.get(parseDigest(descriptor.digest));
      if (bytes?.byteLength !== descriptor.size) throw contentUnknown(descriptor, bytes?.byteLength);
      if (offset < 0 || offset > bytes.byteLength) throw offsetInvalid(descriptor, offset);
      return { offset, bytes: oneChunk(bytes.subarray(offset)) };
    },
    push: (descriptor, source, options = {}) =>
      singleFlight(`${descriptor.digest} ${options.apart ?? ''}`, options.signal, async () => {
        if (
          options.apart === undefined &&
          stored.get(parseDigest(descriptor.digest))?.byteLength === descriptor.size
        )
          return { fetchedBytes: 0 };
        const push = () => attempt(descriptor, source, options);
        return pushInTwo(await push(), push);
      }),
    async delete({ digest }) {
      stored.delete(parseDigest(digest));
    },
  };
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}
