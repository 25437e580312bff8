import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { TidemarkError } from '../oci/error.ts';
import { unauthenticated } from './credentials.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Undefined: from the issuer's discovery document. */
  readonly jwksUrl: string | undefined;
  /** The claim with the names of the subject's groups. */
  readonly groupsClaim: string;
  /** For logins of browsers; undefined: none, and callers bring their tokens. */
  readonly client?: OidcClientSettings | undefined;
}

/** This server as a client of the issuer. */
export interface OidcClientSettings {
  readonly clientId: string;
  /** Undefined: a public client, protected by PKCE alone. */
  readonly clientSecret: string | undefined;
  /** Separated by blanks; contains `openid`. */
  readonly scopes: string;
}

/** The verified claims of a token. */
export interface Subject {
  readonly subject: string;
  readonly groups: readonly string[];
  readonly expiresAt: Date;
}

/**
 * Asymmetric algorithms only. A secret that issuer and audience share would let each impersonate the other, and an issuer's public key must
 * never serve as such a secret (fault 81).
 */
const algorithms = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
]; // prettier-ignore

const requestMs = 5_000;
const bodyMaxBytes = 1024 * 1024;
const mostGroups = 1_000;

export interface OidcVerifier {
  /** @throws TidemarkError `UNAUTHENTICATED`, or `OIDC_UNAVAILABLE` (retryable) if the issuer's keys cannot be fetched. */
  verify(token: string): Promise<Subject>;
}

/** Verifies tokens of one issuer (OpenID Connect Core 1.0, section 3.1.3.7) by its published keys. Key hints inside a token are ignored. */
export function createOidcVerifier(settings: OidcSettings): OidcVerifier {
  const { issuer, audience, groupsClaim } = settings;
  let keys: Promise<JWTVerifyGetKey> | undefined;

  function issuerKeys(): Promise<JWTVerifyGetKey> {
    keys ??= findJwksUrl(settings)
      .then((url) =>
        createRemoteJWKSet(url, {
          timeoutDuration: requestMs,
          // Bounds the requests that tokens with an invented key id can cause.
          cooldownDuration: 30_000,
          cacheMaxAge: 10 * 60_000,
          [customFetch]: fetchCapped,
        }),
      )
      .catch((error: unknown) => {
        // The next token retries.
        keys = undefined;
        throw error;
      });
    return keys;
  }

  return {
    async verify(token) {
      try {
        const options = { issuer, audience, algorithms, clockTolerance: 5, requiredClaims: ['exp', 'sub'] };
        const { payload } = await jwtVerify(token, await issuerKeys(), options);
        return toSubject(payload, groupsClaim);
      } catch (error) {
        if (error instanceof TidemarkError) throw error;
        if (isTokensFault(error)) throw unauthenticated('was refused: its token does not count', error);
        throw oidcUnavailable(issuer, error);
      }
    },
  };
}

/** Errors of the token itself. All others are the issuer's. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function toSubject(payload: JWTPayload, groupsClaim: string): Subject {
  // A signed claim may have any type: no earlier check has looked at it.
  const { sub, exp }: { readonly sub?: unknown; readonly exp?: unknown } = payload;
  const claimed = payload[groupsClaim];
  const groups = (Array.isArray(claimed) ? claimed : [claimed]).filter(
    (group): group is string => typeof group === 'string' && !group.includes('\0'),
  );
  if (typeof sub !== 'string' || sub === '' || sub.includes('\0'))
    throw unauthenticated('has a token without a subject');
  const expiresAt = new Date(typeof exp === 'number' ? exp * 1_000 : Number.NaN);
  if (Number.isNaN(expiresAt.getTime())) throw unauthenticated('has a token whose expiry is no date');
  return { subject: sub, groups: groups.slice(0, mostGroups), expiresAt };
}

/** OpenID Connect Discovery 1.0, section 4. The document must name the issuer that was asked. */
async function findJwksUrl({ issuer, jwksUrl }: OidcSettings): Promise<URL> {
  if (jwksUrl !== undefined) return new URL(jwksUrl);
  const response = await fetchCapped(`${trimTrailingSlashes(issuer)}/.well-known/openid-configuration`, {
    headers: new Headers({ accept: 'application/json' }),
    method: 'GET',
    redirect: 'manual',
    signal: AbortSignal.timeout(requestMs),
  });
  const document: unknown = response.status === 200 ? await response.json() : undefined;
  const { issuer: named, jwks_uri: url } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer || typeof url !== 'string' || !URL.canParse(url))
    throw new Error(
      `the discovery document (status ${response.status}) does not name this issuer and a jwks_uri`,
    );
  const found = new URL(url);
  if (found.protocol !== new URL(issuer).protocol)
    throw new Error('the jwks_uri has another scheme than the issuer');
  return found;
}

/** `fetch` with a limit for the body. */
export async function fetchCapped(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let bytesRead = 0;
  for await (const chunk of response.body ?? []) {
    bytesRead += chunk.byteLength;
    if (bytesRead > bodyMaxBytes) throw new RangeError(`the answer has more than ${bodyMaxBytes} bytes`);
    chunks.push(chunk);
  }
  const body = response.status === 204 || response.status === 304 ? null : Buffer.concat(chunks);
  return new Response(body, {
    status: response.status === 0 ? 502 : response.status,
    headers: response.headers,
  });
}

export function oidcUnavailable(issuer: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'OIDC_UNAVAILABLE',
    `The keys of the issuer ${issuer} cannot be had at the moment, so its tokens cannot be verified; try again. The log says why.`,
    { origin: 'server', retryable: true, cause },
  );
}
