import { noteFailure, noteSuccess, readBreaker, takeProbe } from '../../db/upstreams/host-breakers.ts';
import type { KnownBreaker } from '../../db/upstreams/host-breakers.ts';
import type { Em } from '../../db/open-database.ts';

/** The host of a place, for its circuit breaker. */
export interface BreakerKey {
  readonly scope: string;
  /** Host and port, for people. */
  readonly host: string;
}

/** The circuit breakers of hosts, which all workers share. A database that does not answer closes them: then every host is asked in its turn. */
export interface Breakers {
  /** Whether the host may be asked in its turn. Of a half-open breaker one caller gets `true`: its request is the probe. */
  admits(key: BreakerKey): Promise<boolean>;
  succeeded(key: BreakerKey): Promise<void>;
  failed(key: BreakerKey, reason: string): Promise<void>;
}

/** For the log. */
export const breakersFailed = 'the circuit breakers of hosts could not be used';

export interface BreakerDeps {
  readonly em: () => Em;
  readonly onError: (error: unknown) => void;
}

/** How long this process believes what it has read. */
const freshMs = 1_000;
const scopesMost = 1_000;

interface Known {
  readonly readAtMs: number;
  readonly breaker: KnownBreaker | undefined;
}

export function createBreakers({ em, onError }: BreakerDeps): Breakers {
  const scopes = new Map<string, Known>();
  const reading = new Map<string, Promise<KnownBreaker | undefined>>();

  function keep(scope: string, breaker: KnownBreaker | undefined): KnownBreaker | undefined {
    if (scopes.size >= scopesMost && !scopes.has(scope)) scopes.clear();
    scopes.set(scope, { readAtMs: performance.now(), breaker });
    return breaker;
  }

  /** Concurrent callers share one statement. */
  async function load(scope: string): Promise<KnownBreaker | undefined> {
    const known = scopes.get(scope);
    if (known !== undefined && performance.now() - known.readAtMs < freshMs) return known.breaker;
    const running =
      reading.get(scope) ??
      readBreaker(em(), scope)
        .then((breaker) => keep(scope, breaker))
        .finally(() => reading.delete(scope));
    reading.set(scope, running);
    return running;
  }

  async function attempt<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      onError(error);
      return otherwise;
    }
  }

  return {
    admits: ({ scope }) =>
      attempt(true, async () => {
        const breaker = await load(scope);
        if (breaker === undefined || breaker.state === 'closed') return true;
        if (breaker.state === 'open') return false;
        const isTaken = await takeProbe(em(), scope);
        keep(scope, { state: 'open', leftMs: 0 });
        return isTaken;
      }),
    succeeded: ({ scope }) =>
      attempt(undefined, async () => {
        if ((await load(scope)) === undefined) return;
        await noteSuccess(em(), scope);
        keep(scope, undefined);
      }),
    failed: ({ scope, host }, reason) =>
      attempt(undefined, async () => {
        keep(scope, await noteFailure(em(), { scope, host, reason }));
      }),
  };
}
