import { isTidemarkError } from '../../oci/error.ts';
import { isSameLogin } from '../../oci/hosts/registry-login.ts';
import type { RegistryLogin } from '../../oci/hosts/registry-login.ts';
import type { ProvidedLogin } from './provider.ts';

/** The logins of one process by credential and host. Concurrent calls for one key share the work. */
export interface LoginCache {
  get(key: string, provide: (signal: AbortSignal) => Promise<ProvidedLogin>): Promise<RegistryLogin>;
  drop(key: string, login: RegistryLogin): void;
}

interface Entry {
  readonly login: RegistryLogin;
  readonly expiresAtMs: number;
  /** Before it expires. */
  readonly renewAtMs: number;
}

interface Failure {
  readonly error: unknown;
  readonly untilMs: number;
}

/** A bound on memory. */
const maxEntries = 10_000;
/** Of a login whose expiry is unknown, as a credential helper's. */
const unknownLifeMs = 10 * 60 * 1000;
const longestMarginMs = 5 * 60 * 1000;
/** Between two attempts after one that failed. */
const failureMs = 5_000;
const provideMaxMs = 60_000;

/** @param now A monotonic clock in milliseconds. */
export function createLoginCache(now: () => number): LoginCache {
  const entries = new Map<string, Entry>();
  const failures = new Map<string, Failure>();
  const pending = new Map<string, Promise<RegistryLogin>>();

  async function renew(
    key: string,
    provide: (signal: AbortSignal) => Promise<ProvidedLogin>,
  ): Promise<RegistryLogin> {
    const askedAtMs = now();
    try {
      // Shared work: the signal of one caller must not end it.
      const { login, lifeMs = unknownLifeMs } = await provide(AbortSignal.timeout(provideMaxMs));
      const marginMs = Math.min(lifeMs * 0.2, longestMarginMs);
      keep(entries, key, {
        login,
        expiresAtMs: askedAtMs + lifeMs,
        renewAtMs: askedAtMs + lifeMs - marginMs,
      });
      return login;
    } catch (error) {
      const before = entries.get(key);
      if (before !== undefined && now() < before.expiresAtMs) {
        keep(entries, key, { ...before, renewAtMs: now() + failureMs });
        return before.login;
      }
      // Requests in parallel would each run a failing program again.
      if (isTidemarkError(error)) keep(failures, key, { error, untilMs: now() + failureMs });
      throw error;
    } finally {
      pending.delete(key);
    }
  }

  return {
    async get(key, provide) {
      const known = entries.get(key);
      if (known !== undefined && now() < known.renewAtMs) return known.login;
      const failure = failures.get(key);
      if (failure !== undefined && now() < failure.untilMs) throw failure.error;
      failures.delete(key);
      const running = pending.get(key) ?? renew(key, provide);
      pending.set(key, running);
      return running;
    },
    drop(key, login) {
      const known = entries.get(key);
      if (known !== undefined && isSameLogin(known.login, login)) entries.delete(key);
    },
  };
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  const oldest = map.size < maxEntries ? undefined : map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
