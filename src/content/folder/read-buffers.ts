/**
 * Read buffers, reused between bodies. New ones cost page faults, and memory outside of V8's heap triggers garbage collections.
 */
const kept = new Map<number, Buffer[]>();

/** For each size; further buffers are not kept. */
const keptMost = 16;

/** The time after the last body until all are freed. */
const keptMs = 3_000;
let forgetting: NodeJS.Timeout | undefined;

/** Smaller buffers are not kept. */
const leastBytes = 64 * 1024;

/** A buffer of at most `chunkBytes` for a body of `bodyBytes`. Return it with `keepBuffer`. */
export function takeBuffer(chunkBytes: number, bodyBytes: number): Buffer {
  if (bodyBytes < leastBytes) return Buffer.allocUnsafe(bodyBytes);
  return kept.get(chunkBytes)?.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
}

/** The buffer must not be used afterwards. */
export function keepBuffer(buffer: Buffer): void {
  if (buffer.byteLength < leastBytes) return;
  const others = kept.get(buffer.byteLength) ?? [];
  if (others.length < keptMost) others.push(buffer);
  kept.set(buffer.byteLength, others);
  forgetting ??= setTimeout(() => kept.clear(), keptMs).unref();
  forgetting.refresh();
}
