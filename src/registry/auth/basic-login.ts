import type { TidemarkError } from '../../oci/error.ts';
import type { LoginCall, LoginSource, RegistryLogin } from '../../oci/hosts/registry-login.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import { basicAuthorization, unauthorized } from './token-request.ts';
import { abortable, refusedForMs } from './token-store.ts';

export interface LoginRequest {
  /** Method, and path without its last part. Requests of one kind get the same challenge. */
  readonly kind: string;
  /** A look-up beside the image's requests: its refusal says nothing about them. */
  readonly isSide: boolean;
  /** Whether a refused login was renewed for this request. */
  isRenewed?: boolean;
  /** Lets the next request try the user name and password. */
  endTurn?: () => void;
}

/** The user name and password for one host, and whether it accepts them. */
export interface BasicLogin {
  /** The value of `Authorization`; undefined without a user. */
  current(signal: AbortSignal | undefined): Promise<string | undefined>;
  /** @throws TidemarkError `UPSTREAM_UNAUTHORIZED` after a refusal, or without a user */
  use(request: LoginRequest, where: string, signal: AbortSignal | undefined): Promise<string>;
  /** Once for a request: another `Authorization` in place of a refused one; undefined if there is none. */
  renew(request: LoginRequest, refused: string, signal: AbortSignal | undefined): Promise<string | undefined>;
  /** Records a refusal. @returns the error. */
  refuse(request: LoginRequest, where: string): TidemarkError;
  /** Records that the host accepted them. */
  accept(): void;
}

interface Refusal {
  readonly error: TidemarkError;
  readonly untilMs: number;
}

const maxKinds = 64;
/** Logins of running requests. */
const maxShown = 16;

export function createBasicLogin(
  logins: LoginSource,
  callOf: (signal: AbortSignal | undefined) => LoginCall,
  now: () => number,
): BasicLogin {
  const refusals = createBoundedMap<Refusal>(maxKinds);
  const shown = createBoundedMap<RegistryLogin>(maxShown);
  let hostRefusal: Refusal | undefined;
  /** Until the first success, only one request at a time sends them (fault 19). */
  const turn = createTurn();
  let isAccepted = false;

  async function current(signal: AbortSignal | undefined): Promise<string | undefined> {
    const login = await logins.get(callOf(signal));
    if (login?.kind !== 'basic') return undefined;
    const authorization = basicAuthorization(login);
    shown.set(authorization, login);
    return authorization;
  }

  return {
    current,
    async use(request, where, signal) {
      for (;;) {
        const refusal = [hostRefusal, refusals.get(request.kind)].find(
          (known) => known !== undefined && now() < known.untilMs,
        );
        if (refusal !== undefined) throw refusal.error;
        const running = turn.running();
        if (isAccepted || running === undefined) break;
        await abortable(running, signal);
      }
      if (!isAccepted) request.endTurn = turn.take();
      const authorization = await current(signal);
      if (authorization !== undefined) return authorization;
      throw unauthorized(where, 'it requests a user name and password, but the remote has none');
    },
    async renew(request, refused, signal) {
      if (request.isRenewed === true) return undefined;
      request.isRenewed = true;
      const login = shown.get(refused);
      if (login === undefined || !logins.drop(login)) return undefined;
      const authorization = await current(signal);
      return authorization === refused ? undefined : authorization;
    },
    refuse(request, where) {
      const error = unauthorized(where, 'the user name and password were refused');
      const refusal = { error, untilMs: now() + refusedForMs };
      refusals.set(request.kind, refusal);
      // The host has never accepted them, so they are wrong; one attempt is enough (fault 19).
      if (!request.isSide && !isAccepted) hostRefusal = refusal;
      return error;
    },
    accept() {
      isAccepted = true;
    },
  };
}

interface Turn {
  /** Resolves when the turn that is taken ends; undefined: none is. */
  running(): Promise<void> | undefined;
  /** @returns what ends the turn. */
  take(): () => void;
}

function createTurn(): Turn {
  let taken: Promise<void> | undefined;
  return {
    running: () => taken,
    take() {
      const { promise, resolve } = Promise.withResolvers<void>();
      taken = promise;
      return () => {
        if (taken === promise) taken = undefined;
        resolve();
      };
    },
  };
}
