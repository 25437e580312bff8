import { createHash, randomBytes } from 'node:crypto';
import { deleteSession, insertSession, useSession } from '../db/access/access-sessions.ts';
import type { LiveSession, SessionHolder } from '../db/access/access-sessions.ts';
import type { Database } from '../db/open-database.ts';
import { TidemarkError } from '../oci/error.ts';
import { hashToken } from './token.ts';

/** The longest session. It never outlives the token that opened it. */
export const sessionHours = 12;

export interface OpenedSession {
  /** The content of the cookie. Only its hash is stored. */
  readonly secret: string;
  readonly expiresAt: Date;
}

/** Logins of browsers. They are rows, so every API process accepts the sessions of the others. */
export interface Sessions {
  /** @param notAfter When the credentials expire that open it; undefined: no limit. */
  open(holder: SessionHolder, notAfter: Date | undefined): Promise<OpenedSession>;
  /** @throws TidemarkError `UNAUTHENTICATED` */
  find(secret: string): Promise<LiveSession>;
  /** Idempotent. */
  end(secret: string): Promise<void>;
}

export function createSessions(database: Database): Sessions {
  return {
    async open(holder, notAfter) {
      const latest = Date.now() + sessionHours * 60 * 60 * 1000;
      const expiresAt = new Date(Math.min(latest, notAfter?.getTime() ?? latest));
      const secret = randomBytes(32).toString('base64url');
      await insertSession(database.em.fork(), { hash: hashToken(secret), holder, expiresAt });
      return { secret, expiresAt };
    },
    async find(secret) {
      const session = await useSession(database.em.fork(), hashToken(secret));
      if (session === undefined) throw sessionEnded();
      return session;
    },
    async end(secret) {
      await deleteSession(database.em.fork(), hashToken(secret));
    },
  };
}

export function isSessionSecret(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/** The value of `x-tidemark-csrf`. Every process derives the same; it does not reveal the secret. */
export function csrfOf(secret: string): string {
  return createHash('sha256').update(`tidemark csrf ${secret}`).digest('base64url');
}

export function sessionEnded(cause?: unknown): TidemarkError {
  return new TidemarkError('UNAUTHENTICATED', 'The session of this browser has ended. Log in again.', {
    origin: 'caller',
    status: 401,
    cause,
  });
}
