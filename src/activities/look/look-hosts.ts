import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { createBoundedMap } from '../../registry/transport/bounded-map.ts';
import { createLimiter } from '../../upstream/limiter.ts';

/**
 * Which hosts answer, by scope (upstream/clients/host-scope.ts), so that a remote with a broken proxy says nothing about others. A host that does not
 * answer must not delay the looks at others.
 */
export interface LookHosts {
  /**
   * Runs a look when there is a place for it. The first look at a host goes before the others, which wait for its first answer.
   * @returns undefined if the host does not answer, or has not for a minute: the look is left to the sync.
   */
  run<T>(scope: string, signal: AbortSignal, look: HostLook<T>): Promise<T | undefined>;
  /** Call it for each answer of the host. */
  answered(scope: string): void;
}

type HostLook<T> = (signal: AbortSignal) => Promise<T>;

/** The content of so many repositories is in memory at the same time. */
const looksAtOnce = 16;
/** Of them, first looks at hosts, which may all be unreachable. */
const firstLooksAtOnce = 8;
/** A look that takes longer is left to the sync. */
const lookMs = 60_000;
const firstAnswerMs = 10_000;
/** How long it is known that a host answers, or that it does not. */
const knownMs = 60_000;
const scopesMost = 1_000;

const networkFaults = new Set(['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE', 'PROXY_FAILED']);
const isNetworkFault = (error: unknown): boolean => isTidemarkError(error) && networkFaults.has(error.code);

interface Knowledge {
  /** Undefined: the first look has ended before an answer. */
  readonly answers: Promise<boolean | undefined>;
  readonly isSilent: boolean;
  untilMs: number;
  answered(): void;
}

export function createLookHosts(now: () => number = () => performance.now()): LookHosts {
  const places = createLimiter(looksAtOnce);
  const firstPlaces = createLimiter(firstLooksAtOnce);
  const hosts = createBoundedMap<Knowledge>(scopesMost);

  function find(scope: string): Knowledge | undefined {
    const known = hosts.get(scope);
    return known === undefined || known.untilMs < now() ? undefined : known;
  }

  async function attempt<T>(
    scope: string,
    look: HostLook<T>,
    ...signals: readonly AbortSignal[]
  ): Promise<T> {
    try {
      return await runLimited(look, signals);
    } catch (error) {
      if (isNetworkFault(error)) hosts.set(scope, silentHost(now()));
      throw error;
    }
  }

  async function lookFirst<T>(scope: string, signal: AbortSignal, look: HostLook<T>): Promise<T> {
    const first = awaitFirstAnswer(now);
    hosts.set(scope, first.known);
    try {
      return await firstPlaces.run(signal, () =>
        places.run(signal, () => attempt(scope, look, signal, first.begin())),
      );
    } catch (error) {
      first.end(isNetworkFault(error) ? false : undefined);
      throw error;
    } finally {
      first.end(undefined);
      if (hosts.get(scope) === first.known && first.known.untilMs === Number.POSITIVE_INFINITY)
        hosts.delete(scope);
    }
  }

  return {
    answered: (scope) => hosts.get(scope)?.answered(),
    async run(scope, signal, look) {
      for (;;) {
        const known = find(scope);
        if (known === undefined) return lookFirst(scope, signal, look);
        const answers = await known.answers;
        if (answers === false) return undefined;
        if (answers === undefined) continue;
        return places.run(signal, async () => {
          // another look may have failed meanwhile
          if (find(scope)?.isSilent === true) return undefined;
          return attempt(scope, look, signal);
        });
      }
    },
  };
}

/** Knowledge of a host that does not answer. */
function silentHost(nowMs: number): Knowledge {
  return {
    answers: Promise.resolve(false),
    isSilent: true,
    untilMs: nowMs + knownMs,
    answered: () => undefined,
  };
}

interface FirstLook {
  /** Of the host, while the look waits for its first answer and after it. */
  readonly known: Knowledge;
  /** The wait for the first answer begins. @returns what ends the look without one. */
  begin(): AbortSignal;
  /** The look has ended. Without effect after the first answer, or the second time. */
  end(answers: false | undefined): void;
}

function awaitFirstAnswer(now: () => number): FirstLook {
  const answer = Promise.withResolvers<boolean | undefined>();
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const known: Knowledge = {
    answers: answer.promise,
    isSilent: false,
    untilMs: Number.POSITIVE_INFINITY,
    answered() {
      clearTimeout(timer);
      if (known.untilMs === Number.POSITIVE_INFINITY) known.untilMs = now() + knownMs;
      answer.resolve(true);
    },
  };
  return {
    known,
    begin() {
      timer = setTimeout(() => limit.abort(tooLong(firstAnswerMs)), firstAnswerMs);
      return limit.signal;
    },
    end(answers) {
      clearTimeout(timer);
      answer.resolve(answers);
    },
  };
}

async function runLimited<T>(look: HostLook<T>, signals: readonly AbortSignal[]): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(tooLong(lookMs)), lookMs);
  try {
    return await look(AbortSignal.any([...signals, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function tooLong(ms: number): TidemarkError {
  return new TidemarkError('UPSTREAM_TIMEOUT', `The upstream did not answer a look within ${ms / 1000} s.`, {
    retryable: true,
  });
}
