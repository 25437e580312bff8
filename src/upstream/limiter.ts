import { createBoundedMap } from '../registry/transport/bounded-map.ts';

/** Runs at most `limit` works at a time. The others wait in order. */
export interface Limiter {
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createLimiter(limit: number): Limiter {
  let free = limit;
  const waiting: (() => void)[] = [];

  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leaveQueue);
        resolve();
      };
      const leaveQueue = () => {
        waiting.splice(waiting.indexOf(admit), 1);
        reject(signal.reason as Error);
      };
      waiting.push(admit);
      signal.addEventListener('abort', leaveQueue, { once: true });
    });
  }

  return {
    async run(signal, work) {
      await enter(signal);
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}

const limitersAtMost = 1_000;

/** A limiter for each remote or proxy, by its id: one that waits holds no others up. */
export function createLimiters(limit: number): (id: number) => Limiter {
  const limiters = createBoundedMap<Limiter>(limitersAtMost);
  return (id) => {
    const limiter = limiters.get(String(id)) ?? createLimiter(limit);
    limiters.set(String(id), limiter);
    return limiter;
  };
}

/**
 * Calls `work` for each item, `concurrency` at a time. The first failure aborts the signal of the others, waits for them, and is thrown.
 * After a failure that `drains`, the others finish, because their requests count against a rate limit.
 */
export async function forEachConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: {
    readonly concurrency: number;
    readonly signal: AbortSignal;
    readonly drains?: (error: unknown) => boolean;
  },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  let failure: { readonly error: unknown } | undefined;
  const iterator = toAsyncIterator(items);
  const lane = async () => {
    try {
      for (;;) {
        signal.throwIfAborted();
        if (failure !== undefined) return;
        const next = await iterator.next();
        if (next.done === true) return;
        await work(next.value, signal);
      }
    } catch (error) {
      failure ??= { error };
      if (options.drains?.(error) !== true) failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, lane));
  if (failure) throw failure.error;
}

/** Runs the works at the same time. The first failure aborts the signal of the others, waits for them, and is thrown. */
export async function runTogether(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  await forEachConcurrently(works, { concurrency: works.length, signal }, (work, laneSignal) =>
    work(laneSignal),
  );
}

function toAsyncIterator<T>(items: Iterable<T> | AsyncIterable<T>): { next(): Promise<IteratorResult<T>> } {
  if (Symbol.asyncIterator in items) {
    // lanes may share a generator, because it queues concurrent next() calls
    return items[Symbol.asyncIterator]();
  }
  const iterator = items[Symbol.iterator]();
  return { next: () => Promise.resolve(iterator.next()) };
}
