import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import type { SecretBox } from './secrets.ts';

/** A login at the issuer that has begun. */
export interface PendingLogin {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
  /** Where on this server the browser continues. */
  readonly path: string;
}

/** How long people have to log in at the issuer. */
export const pendingSeconds = 600;

const purpose = 'pending logins';

/** Pending logins stay in the browser, encrypted, so a login may begin at one process and end at another. */
export interface PendingLogins {
  seal(login: PendingLogin): Promise<string>;
  /** Undefined for an expired or foreign text. */
  open(text: string): Promise<PendingLogin | undefined>;
}

export function createPendingLogins(secrets: SecretBox): PendingLogins {
  const keys = secrets.derive(purpose);
  const [current] = keys;
  return {
    async seal(login) {
      if (current === undefined) throw new Error('there is no key to encrypt with');
      return new EncryptJWT({ ...login })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: current.id })
        .setAudience(purpose)
        .setExpirationTime(Math.floor(Date.now() / 1_000) + pendingSeconds)
        .encrypt(current.key);
    },
    async open(text) {
      try {
        const { payload } = await jwtDecrypt<PendingLogin>(
          text,
          ({ kid }) => {
            const key = keys.find(({ id }) => id === kid)?.key;
            if (key === undefined) throw new errors.JWTInvalid('unknown key');
            return key;
          },
          {
            audience: purpose,
            keyManagementAlgorithms: ['dir'],
            contentEncryptionAlgorithms: ['A256GCM'],
            requiredClaims: ['exp'],
          },
        );
        const { state, nonce, codeVerifier, path } = payload;
        return { state, nonce, codeVerifier, path };
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
