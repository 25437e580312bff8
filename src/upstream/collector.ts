/** Collects results of concurrent work and passes them on in batches, one at a time. Batches are limited in count and bytes. */
export interface Collector<T> {
  /** Resolves when the batch has room, or has been passed on. */
  add(item: T, bytes: number): Promise<void>;
  /** Passes on the last batch. */
  flush(): Promise<void>;
}

const batchItems = 256;
const batchBytes = 8 * 1024 * 1024;

export function createCollector<T>(handOn: (batch: readonly T[]) => Promise<void>): Collector<T> {
  let batch: T[] = [];
  let bytes = 0;
  let last = Promise.resolve();

  function flush(): Promise<void> {
    const full = batch;
    batch = [];
    bytes = 0;
    if (full.length > 0) last = last.then(() => handOn(full));
    return last;
  }

  return {
    async add(item, itemBytes) {
      batch.push(item);
      bytes += itemBytes;
      if (batch.length >= batchItems || bytes >= batchBytes) await flush();
    },
    flush,
  };
}
