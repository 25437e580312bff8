import { abortable } from './abortable.ts';

/**
 * Serializes work by key. A push that waited finds its blob stored, or makes an attempt with its own source if the one before failed. The signal
 * aborts the wait.
 */
export function createSingleFlight() {
  const running = new Map<string, Promise<void>>();
  return async function singleFlight<T>(
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    for (let current = running.get(key); current !== undefined; current = running.get(key))
      await abortable(current, signal);
    signal?.throwIfAborted();
    const result = work();
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    running.set(key, settled);
    try {
      return await result;
    } finally {
      running.delete(key);
    }
  };
}
