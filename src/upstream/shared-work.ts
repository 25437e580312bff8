/** How a caller waits for shared work. */
export interface Waiting {
  /** Aborted when the caller leaves. The work is aborted when all callers have left, unless it is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted when the caller's time is over. The work continues, because its result is stored. */
  readonly budget?: AbortSignal | undefined;
}

export interface SharedWork<T> {
  /** Starts the work of this key, or joins it. */
  join(key: string, work: Work<T>, waiting?: Waiting): Promise<T | 'out-of-time'>;
}

/** @param keep From then on the work continues when all callers have left, and later ones join it. */
type Work<T> = (signal: AbortSignal, keep: () => void) => Promise<T>;

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
  readonly isKept: boolean;
}

/** Single-flight by key. Callers may leave at any time. */
export function createSharedWork<T>(): SharedWork<T> {
  const flights = new Map<string, Flight<T>>();

  function begin(key: string, work: Work<T>): Flight<T> {
    const controller = new AbortController();
    let isKept = false;
    const promise = work(controller.signal, () => {
      isKept = true;
    }).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    const flight: Flight<T> = {
      promise,
      controller,
      waiters: 0,
      get isKept() {
        return isKept;
      },
    };
    // callers that wait get the rejection; there may be none
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
        if (flight.waiters === 0 && signal?.aborted === true && !flight.isKept) {
          if (flights.get(key) === flight) flights.delete(key);
          flight.controller.abort(signal?.reason);
        }
      }
    },
  };
}
