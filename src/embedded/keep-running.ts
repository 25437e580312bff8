import { setTimeout as sleep } from 'node:timers/promises';
import { processRuns } from './process-info.ts';

export interface KeptServer {
  readonly pid: number;
  stop(): Promise<void>;
}

const lookEveryMs = 500;
const retryMs = 2_000;

/**
 * Restarts an embedded server when its process is gone. Each start prefers the last port, so that clients reconnect.
 * @returns a function that ends the watch and releases the server.
 */
export function keepRunning<T extends KeptServer>(
  first: T,
  options: {
    readonly name: string;
    readonly start: (signal: AbortSignal) => Promise<T>;
    readonly log: (message: string) => void;
  },
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let server = first;

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal });
      if (await processRuns(server.pid)) continue;
      options.log(`${options.name} ended unexpectedly (process ${server.pid}); restarting it`);
      await restart();
    }
  }

  async function restart(): Promise<void> {
    try {
      const gone = server;
      server = await options.start(signal);
      await gone.stop().catch(() => undefined);
    } catch (error) {
      signal.throwIfAborted();
      options.log(`${options.name} did not start: ${error instanceof Error ? error.message : String(error)}`);
      await sleep(retryMs, undefined, { signal });
    }
  }

  // Rejects only on a stop; other errors are caught above.
  const watching = watch().catch(() => undefined);
  return async () => {
    stopping.abort();
    await watching;
    await server.stop();
  };
}
