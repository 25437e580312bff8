/**
 * Buffers to read files into, kept from one body to the next. Fresh ones cost page faults, and memory outside of V8's heap makes it collect
 * garbage again and again: a fifth of what serving large blobs took.
 */
const kept = new Map<number, Buffer[]>();

/** Of each size; more are in use while more bodies are, and go with them. */
const keptMost = 16;

/** So long after the last body they go, too. */
const keptMs = 3_000;
let forgetting: NodeJS.Timeout | undefined;

/** Less than this is not worth keeping. */
const leastBytes = 64 * 1024;

/** A buffer of at most `chunkBytes`, for a body that has `bodyBytes`. Whoever is done with it hands it to `keepBuffer`. */
export function takeBuffer(chunkBytes: number, bodyBytes: number): Buffer {
  if (bodyBytes < leastBytes) return Buffer.allocUnsafe(bodyBytes);
  return kept.get(chunkBytes)?.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
}

/** Nothing may read or write the buffer any more. */
export function keepBuffer(buffer: Buffer): void {
  if (buffer.byteLength < leastBytes) return;
  const others = kept.get(buffer.byteLength) ?? [];
  if (others.length < keptMost) others.push(buffer);
  kept.set(buffer.byteLength, others);
  forgetting ??= setTimeout(() => kept.clear(), keptMs).unref();
  forgetting.refresh();
}
