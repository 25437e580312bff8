import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError } from '../db/connection/connection-error.ts';
import { isTidemarkError, TidemarkError } from '../oci/error.ts';

const reachableWithinMs = 30_000;
const reachablePollMs = 250;

export interface ReachedServer {
  readonly name: string;
  /** The setting with its address. */
  readonly setting: string;
  readonly isAway: (error: unknown) => boolean;
}

/** Waits for a server that is starting or restarting: the parts of a deployment start in any order. */
export async function whenReachable<T>(
  server: ReachedServer,
  options: { readonly log: (message: string) => void; readonly signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + reachableWithinMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!server.isAway(error)) throw error;
      if (performance.now() > giveUpAt)
        throw new TidemarkError(
          'SERVER_UNREACHABLE',
          `${server.name} did not answer within ${reachableWithinMs / 1000} s. Check that it runs where ${server.setting} says, ` +
            'that this machine may connect to it, and its log.',
          { origin: 'server', cause: error },
        );
      if (tries === 1) options.log(`Waiting for ${server.name}`);
      await sleep(reachablePollMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

export const postgres: ReachedServer = {
  name: 'PostgreSQL',
  setting: 'DATABASE_URL',
  isAway: isConnectionError,
};
export const temporal: ReachedServer = {
  name: 'Temporal',
  setting: 'TEMPORAL_ADDRESS',
  isAway: (error) =>
    // Of @temporalio/worker, which an API does not load.
    (error instanceof Error && error.name === 'TransportError') ||
    (isTidemarkError(error) && error.code === 'TEMPORAL_UNAVAILABLE'),
};
