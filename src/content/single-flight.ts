import { abortable } from './abortable.ts';

/**
 * Runs the works of one key one after the other. A push that waited finds its blob stored, or makes its own attempt with
 * its own source when the one before failed. Waiting ends when the signal is aborted.
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
