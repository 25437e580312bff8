import { setTimeout as sleep } from 'node:timers/promises';
import { processRuns } from './process-info.ts';

/** What is kept running: which process it is, and how it is given up. */
export interface KeptServer {
  readonly pid: number;
  stop(): Promise<void>;
}

const lookEveryMs = 500;
const retryMs = 2_000;

/**
 * Watches an embedded server and starts it again when its process is gone: killed, or out of memory. Each start prefers the port of the
 * last, so that connections find it again by themselves.
 * @returns a function that ends the watch and gives the server up.
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
      options.log(`${options.name} is gone (process ${server.pid}); starting it again`);
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

  // ends by rejection only when it is stopped: all else is caught above
  const watching = watch().catch(() => undefined);
  return async () => {
    stopping.abort();
    await watching;
    await server.stop();
  };
}
