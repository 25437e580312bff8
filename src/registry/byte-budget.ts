/** The bandwidth of a client, which others share. */
export interface ByteBudget {
  /** The limit of this moment in bytes a second; undefined: none. Called for each chunk. */
  rate(): number | undefined;
  /** Waits until these bytes may be read. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** The difference between the bytes read and those taken. */
  settle(bytes: number): void;
}

/** Taken before each read. The size of a chunk is known only after it. */
const pieceBytes = 64 * 1024;
/** Below this rate, bodies are read in small chunks: reads of our own sockets may return a MiB at once. */
const smallReadsBelow = 32 * 1024 * 1024;

export function needsSmallReads(budget: ByteBudget | undefined): boolean {
  const rate = budget?.rate();
  return rate !== undefined && rate < smallReadsBelow;
}

/**
 * Reads a body of `size` bytes no faster than the budget allows. The connection pauses meanwhile, because nothing is read ahead. While there
 * is no limit, a read is passed on as it is.
 */
export function limitedBody(
  bytes: AsyncIterable<Uint8Array>,
  budget: ByteBudget,
  { size, signal }: { readonly size: number; readonly signal: AbortSignal | undefined },
): AsyncIterable<Uint8Array> {
  const inner = bytes[Symbol.asyncIterator]();
  let left = size;
  const readPaid = async (): Promise<IteratorResult<Uint8Array>> => {
    const taken = Math.min(pieceBytes, left);
    try {
      await budget.take(taken, signal);
    } catch (error) {
      // nobody else ends the body: a loop does not close an iterator that throws
      await inner.return?.();
      throw error;
    }
    let read = 0;
    try {
      const next = await inner.next();
      if (next.done !== true) read = next.value.byteLength;
      left -= read;
      return next;
    } finally {
      budget.settle(read - taken);
    }
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (left > 0 && budget.rate() !== undefined ? readPaid() : inner.next()),
      return: async () => (await inner.return?.()) ?? { done: true, value: undefined },
    }),
  };
}
