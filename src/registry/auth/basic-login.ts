import type { TidemarkError } from '../../oci/error.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import { unauthorized } from './token-request.ts';
import { abortable, refusedForMs } from './token-store.ts';

export interface LoginRequest {
  /** Method, and path without its last part. Requests of one kind get the same challenge. */
  readonly kind: string;
  /** A look-up beside the image's requests: its refusal says nothing about them. */
  readonly isSide: boolean;
  /** Lets the next request try the user name and password. */
  endTurn?: () => void;
}

/** The user name and password for one host, and whether it accepts them. */
export interface BasicLogin {
  /** The value of `Authorization`; undefined without a user. */
  readonly authorization: string | undefined;
  /** @throws TidemarkError `UPSTREAM_UNAUTHORIZED` after a refusal, or without a user */
  use(request: LoginRequest, where: string, signal: AbortSignal | undefined): Promise<string>;
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

export function createBasicLogin(authorization: string | undefined, now: () => number): BasicLogin {
  const refusals = createBoundedMap<Refusal>(maxKinds);
  let hostRefusal: Refusal | undefined;
  let isAccepted = false;
  /** Until the first success, only one request at a time sends them (fault 19). */
  let turn: Promise<void> | undefined;

  return {
    authorization,
    async use(request, where, signal) {
      if (authorization === undefined)
        throw unauthorized(where, 'it requests a user name and password, but the remote has none');
      for (;;) {
        const refusal = [hostRefusal, refusals.get(request.kind)].find(
          (known) => known !== undefined && now() < known.untilMs,
        );
        if (refusal !== undefined) throw refusal.error;
        if (isAccepted) return authorization;
        if (turn === undefined) break;
        await abortable(turn, signal);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      turn = promise;
      request.endTurn = () => {
        if (turn === promise) turn = undefined;
        resolve();
      };
      return authorization;
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
