import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import type { Token, TokenSource } from './token-request.ts';

/** The tokens of one client by realm, service and scope. Concurrent calls for one key share a request. */
export interface TokenStore {
  /** The value of `Authorization`. @throws as the request; a refusal is remembered for 15 minutes. */
  get(source: TokenSource, signal?: AbortSignal): Promise<string>;
  /** Drops the token unless another request has renewed it. */
  drop(source: TokenSource, refused: string): void;
}

/** Refused credentials are not sent again meanwhile: registries lock accounts after a few attempts (fault 19). */
export const refusedForMs = 15 * 60 * 1000;
/** A bound, because challenges of the registry create keys. */
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
        // The caller of that request aborted it; this one starts its own.
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

/** The result, or the signal's reason if it comes first; the shared work continues. */
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
