import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { createLimiter } from '../../upstream/limiter.ts';

/** Which hosts answer. A host that does not must not delay the looks at others. */
export interface LookHosts {
  /**
   * Runs a look when there is a place for it. The first look at a host goes before the others, which wait for its first answer.
   * @returns undefined if the host does not answer, or has not for a minute: the look is left to the sync.
   */
  run<T>(host: string, signal: AbortSignal, look: HostLook<T>): Promise<T | undefined>;
}

/** Calls `answered` at the first answer. */
export type HostLook<T> = (signal: AbortSignal, answered: () => void) => Promise<T>;

/** The content of so many repositories is in memory at the same time. */
const looksAtOnce = 16;
/** Of them, first looks at hosts, which may all be unreachable. */
const firstLooksAtOnce = 8;
/** A look that takes longer is left to the sync. */
const lookMs = 60_000;
const firstAnswerMs = 10_000;
/** How long it is known that a host answers, or that it does not. */
const knownMs = 60_000;

const networkFaults = new Set(['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE', 'PROXY_FAILED']);
const isNetworkFault = (error: unknown): boolean => isTidemarkError(error) && networkFaults.has(error.code);

interface Knowledge {
  /** Undefined: the first look has ended before an answer. */
  readonly answers: Promise<boolean | undefined>;
  readonly isSilent: boolean;
  untilMs: number;
}

export function createLookHosts(now: () => number = () => performance.now()): LookHosts {
  const places = createLimiter(looksAtOnce);
  const firstPlaces = createLimiter(firstLooksAtOnce);
  const hosts = new Map<string, Knowledge>();

  function find(host: string): Knowledge | undefined {
    const known = hosts.get(host);
    return known === undefined || known.untilMs < now() ? undefined : known;
  }

  async function attempt<T>(
    host: string,
    limit: AbortController,
    signal: AbortSignal,
    look: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timer = setTimeout(() => limit.abort(tooLong(host, lookMs)), lookMs);
    try {
      return await look(AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      if (isNetworkFault(error))
        hosts.set(host, { answers: Promise.resolve(false), isSilent: true, untilMs: now() + knownMs });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function lookFirst<T>(host: string, signal: AbortSignal, look: HostLook<T>): Promise<T> {
    const answer = Promise.withResolvers<boolean | undefined>();
    const known: Knowledge = {
      answers: answer.promise,
      isSilent: false,
      untilMs: Number.POSITIVE_INFINITY,
    };
    hosts.set(host, known);
    const limit = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const answered = () => {
      clearTimeout(timer);
      known.untilMs = now() + knownMs;
      answer.resolve(true);
    };
    const begin = () => {
      timer = setTimeout(() => limit.abort(tooLong(host, firstAnswerMs)), firstAnswerMs);
      return attempt(host, limit, signal, (looking) => look(looking, answered));
    };
    try {
      return await firstPlaces.run(signal, () => places.run(signal, begin));
    } catch (error) {
      if (isNetworkFault(error)) answer.resolve(false);
      throw error;
    } finally {
      clearTimeout(timer);
      answer.resolve(undefined);
      if (hosts.get(host) === known && known.untilMs === Number.POSITIVE_INFINITY) hosts.delete(host);
    }
  }

  return {
    async run(host, signal, look) {
      for (;;) {
        const known = find(host);
        if (known === undefined) return lookFirst(host, signal, look);
        const answers = await known.answers;
        if (answers === false) return undefined;
        if (answers === undefined) continue;
        return places.run(signal, async () => {
          // another look may have failed meanwhile
          if (find(host)?.isSilent === true) return undefined;
          return attempt(host, new AbortController(), signal, (looking) => look(looking, () => undefined));
        });
      }
    },
  };
}

function tooLong(host: string, ms: number): TidemarkError {
  return new TidemarkError('UPSTREAM_TIMEOUT', `${host} did not answer a look within ${ms / 1000} s.`, {
    retryable: true,
  });
}
