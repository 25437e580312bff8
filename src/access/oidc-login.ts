import * as client from 'openid-client';
import { TidemarkError } from '../oci/error.ts';
import { createOidcVerifier, fetchCapped, oidcUnavailable } from './oidc.ts';
import type { OidcClientSettings, OidcSettings, Subject } from './oidc.ts';
import { createPendingLogins, pendingSeconds } from './pending-login.ts';
import type { SecretBox } from './secrets.ts';

export interface BegunLogin {
  /** The address of the issuer where the person logs in. */
  readonly url: string;
  /** The content of a cookie, which `finish` needs. */
  readonly pending: string;
  readonly pendingSeconds: number;
}

/** The authorisation code flow (OpenID Connect Core 1.0, section 3.1) with PKCE, state and nonce. */
export interface OidcLogin {
  /**
   * @param path Where on this server the browser continues.
   * @throws TidemarkError `OIDC_UNAVAILABLE`
   */
  begin(redirectUrl: string, path: string): Promise<BegunLogin>;
  /**
   * @param answered The address to which the issuer sent the browser.
   * @throws TidemarkError `OIDC_LOGIN_EXPIRED`, `OIDC_LOGIN_REFUSED`, `OIDC_UNAVAILABLE`
   */
  finish(
    answered: URL,
    pending: string,
  ): Promise<{ readonly subject: Omit<Subject, 'expiresAt'>; readonly path: string }>;
}

const requestSeconds = 5;

export function createOidcLogin(
  settings: OidcSettings,
  ours: OidcClientSettings,
  secrets: SecretBox,
): OidcLogin {
  const pendingLogins = createPendingLogins(secrets);
  // An ID token names the client as its audience. Signature, algorithm and claims have the same rules as a bearer token.
  const verifier = createOidcVerifier({ ...settings, audience: ours.clientId });
  const configuration = createDiscovery(settings.issuer, ours);

  return {
    async begin(redirectUrl, path) {
      const issuer = await configuration();
      const codeVerifier = client.randomPKCECodeVerifier();
      const [state, nonce] = [client.randomState(), client.randomNonce()];
      const url = client.buildAuthorizationUrl(issuer, {
        redirect_uri: redirectUrl,
        scope: ours.scopes,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      const pending = await pendingLogins.seal({ state, nonce, codeVerifier, path });
      return { url: url.href, pending, pendingSeconds };
    },
    async finish(answered, pending) {
      const login = await pendingLogins.open(pending);
      if (login === undefined) throw loginExpired();
      const issuer = await configuration();
      const idToken = await exchangeCode(issuer, answered, {
        pkceCodeVerifier: login.codeVerifier,
        expectedState: login.state,
        expectedNonce: login.nonce,
        idTokenExpected: true,
      });
      const { subject, groups } = await verifier.verify(idToken);
      return { subject: { subject, groups }, path: login.path };
    },
  };

  async function exchangeCode(
    issuer: client.Configuration,
    answered: URL,
    checks: client.AuthorizationCodeGrantChecks,
  ): Promise<string> {
    try {
      const { id_token: idToken } = await client.authorizationCodeGrant(issuer, answered, checks);
      if (idToken === undefined) throw new Error('the issuer sent no ID token');
      return idToken;
    } catch (error) {
      if (isUnreachable(error)) throw oidcUnavailable(settings.issuer, error);
      throw loginRefused(error);
    }
  }
}

/** Reads the issuer's metadata once, at the first login. After a failure, the next login retries. */
function createDiscovery(issuer: string, ours: OidcClientSettings): () => Promise<client.Configuration> {
  let found: Promise<client.Configuration> | undefined;
  return () => {
    found ??= discover(issuer, ours).catch((error: unknown) => {
      found = undefined;
      throw oidcUnavailable(issuer, error);
    });
    return found;
  };
}

async function discover(
  issuer: string,
  { clientId, clientSecret }: OidcClientSettings,
): Promise<client.Configuration> {
  const options = {
    timeout: requestSeconds,
    [client.customFetch]: fetchIssuer,
    // `parseSecureUrl` allows http on loopback only.
    execute: new URL(issuer).protocol === 'http:' ? [client.allowInsecureRequests] : [],
  };
  const found = await client.discovery(new URL(issuer), clientId, undefined, client.None(), options);
  if (clientSecret === undefined) return found;
  // Basic is the default of OpenID Connect Discovery 1.0, section 3.
  const methods = found.serverMetadata().token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const authentication = methods.includes('client_secret_basic')
    ? client.ClientSecretBasic(clientSecret)
    : client.ClientSecretPost(clientSecret);
  const configured = new client.Configuration(found.serverMetadata(), clientId, undefined, authentication);
  configured.timeout = requestSeconds;
  configured[client.customFetch] = fetchIssuer;
  for (const execute of options.execute) execute(configured);
  return configured;
}

const fetchIssuer: client.CustomFetch = (url, { body, ...options }) =>
  fetchCapped(url, { ...options, body: body ?? null });

/** Faults of the connection or of the issuer itself. All others are an answer. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  const code = error instanceof client.ClientError ? error.code : undefined;
  return code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
}

function loginExpired(): TidemarkError {
  return new TidemarkError(
    'OIDC_LOGIN_EXPIRED',
    `This login was not begun in this browser, or more than ${pendingSeconds / 60} minutes ago. Begin it again.`,
    { origin: 'caller', status: 401 },
  );
}

function loginRefused(cause: unknown): TidemarkError {
  return new TidemarkError(
    'OIDC_LOGIN_REFUSED',
    'The issuer refused the login, or its answer is not valid. Begin it again; the log says why.',
    { origin: 'caller', status: 401, cause },
  );
}
