import { createHash } from 'node:crypto';
import { SignJWT, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { isRepositoryName } from '../oci/reference.ts';
import { unauthenticated } from './credentials.ts';
import type { SecretBox } from './secrets.ts';

/** The rights of a client in one repository of `/v2/`. */
export type RegistryAction = 'pull' | 'push' | 'delete';

export interface RepositoryScope {
  readonly name: string;
  readonly actions: readonly RegistryAction[];
}

/** The subject of a registry token. Rights are read anew for each request; the token can only narrow them. */
export type RegistryHolder =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'subject'; readonly subject: string; readonly groups: readonly string[] };

export interface RegistryClaims {
  readonly holder: RegistryHolder;
  readonly scopes: readonly RepositoryScope[];
  readonly expiresAt: Date;
}

export interface RegistryTokens {
  /** Signs claims. Their lifetime is at most `registryTokenSeconds`. */
  issue(claims: Omit<RegistryClaims, 'expiresAt'>, notAfter: Date | undefined): Promise<IssuedToken>;
  /** @throws TidemarkError `UNAUTHENTICATED` */
  verify(text: string): Promise<RegistryClaims>;
}

export interface IssuedToken {
  readonly text: string;
  readonly issuedAt: Date;
  readonly expiresInSeconds: number;
}

/** fault 83: a user who loses a group keeps its rights for at most this long. Clients assume at least 60 s. */
export const registryTokenSeconds = 300;

const issuer = 'tidemark';
export const registryService = 'tidemark';
const algorithm = 'HS256';
const mostRemembered = 10_000;

/** Whether a token claims to be issued here. The signature decides whether that is true. */
export function isRegistryToken(payload: JWTPayload): boolean {
  return payload.iss === issuer;
}

/**
 * The short-lived tokens of the Distribution API's token flow: JSON web tokens, signed with a key that every process derives from the
 * secret keys. So each process accepts the tokens of the others. After a rotation, tokens of the old key stay valid until they expire.
 */
export function createRegistryTokens(secrets: SecretBox): RegistryTokens {
  const keys = secrets.derive('registry tokens');
  const [current] = keys;
  /** Verified tokens by hash, so that no token stays in memory. They are not verified again. */
  const verified = new Map<string, RegistryClaims>();

  return {
    async issue({ holder, scopes }, notAfter) {
      if (current === undefined) throw new Error('there is no key to sign with');
      const issuedAt = Math.floor(Date.now() / 1_000);
      const leftSeconds =
        notAfter === undefined ? Infinity : Math.floor(notAfter.getTime() / 1_000) - issuedAt;
      const expiresInSeconds = Math.max(1, Math.min(registryTokenSeconds, leftSeconds));
      const text = await new SignJWT({
        holder,
        access: scopes.map((scope) => ({ type: 'repository', ...scope })),
      })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: current.id })
        .setIssuer(issuer)
        .setAudience(registryService)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .sign(current.key);
      return { text, issuedAt: new Date(issuedAt * 1_000), expiresInSeconds };
    },
    async verify(text) {
      const hash = createHash('sha256').update(text).digest('base64');
      const known = verified.get(hash);
      if (known !== undefined && known.expiresAt.getTime() > Date.now()) return known;
      const claims = await verify(text, (id) => keys.find((key) => key.id === id)?.key);
      // A Map keeps its order: the first key is the oldest.
      for (const oldest of verified.keys()) {
        if (verified.size < mostRemembered) break;
        verified.delete(oldest);
      }
      verified.set(hash, claims);
      return claims;
    },
  };
}

async function verify(
  text: string,
  keyOf: (id: string | undefined) => Uint8Array | undefined,
): Promise<RegistryClaims> {
  try {
    const { payload } = await jwtVerify(
      text,
      ({ kid }) => {
        const key = keyOf(kid);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      // The only accepted algorithm, whatever the token names (fault 81).
      { issuer, audience: registryService, algorithms: [algorithm], requiredClaims: ['exp'] },
    );
    return readClaims(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw unauthenticated('was refused: its token does not count, or not any more', error);
    throw error;
  }
}

/** Tokens of an older version may lack this form. */
function readClaims(payload: JWTPayload): RegistryClaims {
  const { holder, access, exp = 0 } = payload as JWTPayload & { holder?: RegistryHolder; access?: unknown };
  if (holder === undefined || !Array.isArray(access)) throw new errors.JWTInvalid('not of this form');
  const scopes = access.filter(isRepositoryScope);
  return { holder, scopes, expiresAt: new Date(exp * 1_000) };
}

function isRepositoryScope(value: unknown): value is RepositoryScope {
  const { name, actions } = (value ?? {}) as Partial<RepositoryScope>;
  return typeof name === 'string' && isRepositoryName(name) && Array.isArray(actions);
}
