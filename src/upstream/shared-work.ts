/** How a caller waits for work that others may wait for, too. */
export interface Waiting {
  /** The caller does not want it any more. When nobody does, the work is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** The caller's time is over; the work goes on, for what it brings is kept. */
  readonly budget?: AbortSignal | undefined;
}

export interface SharedWork<T> {
  /** Begins the work of this key, or joins it where it is under way. */
  join(key: string, work: (signal: AbortSignal) => Promise<T>, waiting?: Waiting): Promise<T | 'out-of-time'>;
}

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** Single-flight by key, for callers that may leave at any time. */
export function createSharedWork<T>(): SharedWork<T> {
  const flights = new Map<string, Flight<T>>();

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const promise = work(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    const flight: Flight<T> = { promise, controller, waiters: 0 };
    // whoever still waits is told; where nobody does, nobody wants to know
    promise.catch(() => undefined);
    flights.set(key, flight);
    return flight;
  }

  return {
    async join(key, work, { signal, budget } = {}) {
      signal?.throwIfAborted();
      const flight = flights.get(key) ?? begin(key, work);
      flight.waiters += 1;
      const ends = new AbortController();
      const leave = new Promise<'out-of-time'>((resolve, reject) => {
        const once = { once: true, signal: ends.signal };
        signal?.addEventListener('abort', () => reject(signal.reason as Error), once);
        budget?.addEventListener('abort', () => resolve('out-of-time'), once);
        if (budget?.aborted === true) resolve('out-of-time');
      });
      try {
        return await Promise.race([flight.promise, leave]);
      } finally {
        ends.abort();
        flight.waiters -= 1;
        if (flight.waiters === 0 && signal?.aborted === true) {
          if (flights.get(key) === flight) flights.delete(key);
          flight.controller.abort(signal?.reason);
        }
      }
    },
  };
}
