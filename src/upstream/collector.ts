/** Gathers results of concurrent work and hands them on in batches, one batch at a time, so that neither count nor bytes pile up. */
export interface Collector<T> {
  /** Resolves at once while the batch has room; otherwise when it was handed on. */
  add(item: T, bytes: number): Promise<void>;
  /** Hands on what is left. */
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
