import type { TidemarkError } from '../../oci/error.ts';
import type { AuthorizedRequest } from './auth.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import { unauthorized } from './token-request.ts';
import { abortable, refusedForMs } from './token-store.ts';

/** The user name and password of one host, and what it has said to them. */
export interface BasicLogin {
  /** The value of `Authorization`; undefined where the remote has no user. */
  readonly authorization: string | undefined;
  /** @throws TidemarkError `UPSTREAM_UNAUTHORIZED` where they were refused, or there are none. */
  use(request: AuthorizedRequest, where: string, signal: AbortSignal | undefined): Promise<string>;
  /** Notes a refusal. Answers the error. */
  refuse(request: AuthorizedRequest, where: string): TidemarkError;
  /** Notes that they were taken. */
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
  /** Until they have been taken once, they are sent by one request at a time (fault 19). */
  let turn: Promise<void> | undefined;

  return {
    authorization,
    async use(request, where, signal) {
      if (authorization === undefined)
        throw unauthorized(where, 'it asks for a user name and password, and the remote has none');
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
      // Nothing of this host has taken them: they are wrong, and one try is enough for that (fault 19).
      if (!request.isSide && !isAccepted) hostRefusal = refusal;
      return error;
    },
    accept() {
      isAccepted = true;
    },
  };
}
