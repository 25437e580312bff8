import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import type { Token, TokenSource } from './token-request.ts';

/** The tokens of one client by realm, service and scope; of each key at most one request is in flight. */
export interface TokenStore {
  /** The value of `Authorization`. @throws as the request did; a refusal again for 15 minutes, without a request. */
  get(source: TokenSource, signal?: AbortSignal): Promise<string>;
  /** Drops the token of this key where it is still the one that was refused: another request may have renewed it meanwhile. */
  drop(source: TokenSource, refused: string): void;
}

/** Credentials that were refused are not tried again meanwhile: accounts are locked after a few tries (fault 19). */
export const refusedForMs = 15 * 60 * 1000;
/** A registry decides how many scopes it names. */
const maxKeys = 256;

interface Running {
  readonly token: Promise<Token>;
  readonly signal: AbortSignal | undefined;
}

export function createTokenStore(
  request: (source: TokenSource, signal: AbortSignal | undefined) => Promise<Token>,
  now: () => number,
): TokenStore {
  const tokens = createBoundedMap<Token>(maxKeys);
  const refusals = createBoundedMap<{ readonly error: TidemarkError; readonly untilMs: number }>(maxKeys);
  const pending = new Map<string, Running>();

  async function get(source: TokenSource, signal?: AbortSignal): Promise<string> {
    const key = tokenKey(source);
    const refusal = refusals.get(key);
    if (refusal !== undefined && now() < refusal.untilMs) throw refusal.error;
    const known = tokens.get(key);
    if (known !== undefined && now() < known.renewAtMs) return known.authorization;
    const running = pending.get(key);
    if (running !== undefined) {
      try {
        return (await abortable(running.token, signal)).authorization;
      } catch (error) {
        signal?.throwIfAborted();
        if (running.signal?.aborted !== true) throw error;
        // The one who asked gave up; its reason is not ours.
        return get(source, signal);
      }
    }
    const asked = request(source, signal);
    pending.set(key, { token: asked, signal });
    try {
      const token = await asked;
      tokens.set(key, token);
      return token.authorization;
    } catch (error) {
      if (isTidemarkError(error) && error.code === 'UPSTREAM_UNAUTHORIZED')
        refusals.set(key, { error, untilMs: now() + refusedForMs });
      throw error;
    } finally {
      pending.delete(key);
    }
  }

  return {
    get,
    drop(source, refused) {
      const key = tokenKey(source);
      if (tokens.get(key)?.authorization === refused) tokens.delete(key);
    },
  };
}

export function tokenKey({ realm, service, scope }: TokenSource): string {
  return JSON.stringify([realm, service, scope]);
}

/** The result, or the signal's reason where it comes first: for work that others wait for, too. */
export async function abortable<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
