import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { readUpTo } from './body.ts';
import { parseChallenges } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { describeUrl, joinedHeader } from './exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';
import { checkRealm } from './realm.ts';
import type { RealmRules } from './realm.ts';
import { followRedirects } from './redirect.ts';
import { checkStatus, isWebPage } from './status.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface AuthOptions {
  readonly credentials?: Credentials | undefined;
  /** What is asked for where a challenge names no scope: `repository:library/nginx:pull`. */
  readonly defaultScope: string;
  readonly realmRules: () => RealmRules;
  /** One exchange, already limited in rate; retried by the caller of `authorize`, not here. */
  readonly exchange: Exchange;
  /** A clock that does not jump, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

export interface Authenticator {
  /** The value of `Authorization` for a request, where the registry has asked for one before. */
  authorization(signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Takes the challenge of a 401 (or of a 403 with `insufficient_scope`) and gets what answers it; `used` is the
   * Authorization that was refused. False: the answer is no challenge and stands as it is.
   * @throws TidemarkError `UPSTREAM_AUTH_INVALID`, `UPSTREAM_REALM_REFUSED`, `UPSTREAM_UNAUTHORIZED`, or of the request.
   */
  answer(response: HttpResponse, used: string | undefined, signal?: AbortSignal): Promise<boolean>;
}

interface TokenSource {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string;
}

interface Token {
  readonly authorization: string;
  readonly renewAtMs: number;
}

const tokenBodyMaxBytes = 1024 * 1024;
const defaultLifeSeconds = 60;
const longestLifeSeconds = 24 * 60 * 60;

/** The tokens of one client; nothing is shared between clients, so no remote ever sees another's (FAULTS row 18). */
export function createAuthenticator(options: AuthOptions): Authenticator {
  const now = options.now ?? (() => performance.now());
  const tokens = new Map<string, Token>();
  const pending = new Map<
    string,
    { readonly token: Promise<Token>; readonly signal: AbortSignal | undefined }
  >();
  let basic: string | undefined;
  let source: TokenSource | undefined;
  /** Wrong credentials are tried once, for the account may be locked after a few tries (FAULTS row 19). */
  let refusal: TidemarkError | undefined;

  async function tokenFor(wanted: TokenSource, signal: AbortSignal | undefined): Promise<string> {
    if (refusal !== undefined) throw refusal;
    const key = JSON.stringify([wanted.realm, wanted.service, wanted.scope]);
    const known = tokens.get(key);
    if (known !== undefined && now() < known.renewAtMs) return known.authorization;
    const running = pending.get(key);
    if (running !== undefined) {
      try {
        return (await abortable(running.token, signal)).authorization;
      } catch (error) {
        signal?.throwIfAborted();
        if (running.signal?.aborted !== true) throw error;
        // The one who asked gave up; its reason is not ours.
        return tokenFor(wanted, signal);
      }
    }
    const asked = requestToken(wanted, options, now, signal);
    pending.set(key, { token: asked, signal });
    try {
      const token = await asked;
      tokens.set(key, token);
      return token.authorization;
    } catch (error) {
      if (isTidemarkError(error) && error.code === 'UPSTREAM_UNAUTHORIZED') refusal = error;
      throw error;
    } finally {
      pending.delete(key);
    }
  }

  async function authorization(signal?: AbortSignal): Promise<string | undefined> {
    return source === undefined ? basic : tokenFor(source, signal);
  }

  async function answer(
    response: HttpResponse,
    used: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const field = joinedHeader(response.headers, 'www-authenticate');
    const challenges = field === undefined ? [] : parseChallenges(field);
    const bearer = challenges?.find(({ scheme }) => scheme === 'bearer');
    const widerScope = bearer?.parameters.get('error') === 'insufficient_scope';
    if (response.status === 403 && !widerScope) return false;
    const where = describeUrl(response.url);
    await response.discard();
    if (challenges === undefined || field === undefined) throw invalidChallenge(where, field);
    if (bearer !== undefined) {
      const wanted = tokenSource(bearer, options.defaultScope, where);
      // Forgotten only when it is the one that was refused: another request may have renewed it meanwhile.
      for (const [key, token] of tokens) if (token.authorization === used) tokens.delete(key);
      source = wanted;
      await tokenFor(wanted, signal);
      return true;
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) throw invalidChallenge(where, field);
    if (refusal !== undefined) throw refusal;
    if (options.credentials === undefined)
      throw unauthorized(where, 'it asks for a user name and password, and the remote has none');
    const wanted = basicAuthorization(options.credentials);
    if (used === wanted) throw (refusal = unauthorized(where, 'the user name and password were refused'));
    basic = wanted;
    source = undefined;
    return true;
  }

  return { authorization, answer };
}

function tokenSource(challenge: Challenge, defaultScope: string, where: string): TokenSource {
  const realm = challenge.parameters.get('realm');
  if (realm === undefined || realm === '')
    throw new TidemarkError(
      'UPSTREAM_AUTH_INVALID',
      `${where} asks for a token and names no realm to get one from; expected WWW-Authenticate: Bearer realm="…".`,
    );
  const scope = challenge.parameters.get('scope');
  return {
    realm,
    service: challenge.parameters.get('service'),
    scope: scope === undefined || scope === '' ? defaultScope : scope,
  };
}

/** The token request of the distribution project (token.md, "Requesting a Token"). */
async function requestToken(
  source: TokenSource,
  options: AuthOptions,
  now: () => number,
  signal: AbortSignal | undefined,
): Promise<Token> {
  const rules = options.realmRules();
  const url = checkRealm(source.realm, rules);
  url.hash = '';
  if (source.service !== undefined) url.searchParams.set('service', source.service);
  // Several scopes are separate parameters (token.md).
  for (const scope of source.scope.split(/\s+/)) if (scope !== '') url.searchParams.append('scope', scope);
  const { credentials } = options;
  const request: HttpRequest = {
    method: 'GET',
    url,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(credentials === undefined ? {} : { authorization: basicAuthorization(credentials) }),
    },
    signal,
  };
  const askedAtMs = now();
  const response = await realmExchange(request, options.exchange, rules);
  if (response.status === 401 || response.status === 403) {
    await response.discard();
    const who =
      credentials === undefined ? 'anonymous access was refused' : 'the user name and password were refused';
    throw unauthorized(describeUrl(url), who, response.status);
  }
  await checkStatus(request, response, 200);
  if (isWebPage(response)) {
    await response.discard();
    throw invalidToken(url, 'a web page');
  }
  const body = await readUpTo(response, tokenBodyMaxBytes);
  if (body === undefined) throw invalidToken(url, 'more than 1 MiB');
  return parseToken(body.toString(), url, askedAtMs);
}

/** Addresses that the guard refuses are a refused realm to the user, at the first hop and at each that follows. */
async function realmExchange(
  request: HttpRequest,
  exchange: Exchange,
  rules: RealmRules,
): Promise<HttpResponse> {
  try {
    return await followRedirects(exchange, request);
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'ADDRESS_REFUSED') throw error;
    throw new TidemarkError(
      'UPSTREAM_REALM_REFUSED',
      `The registry ${rules.registry.host} leads to ${describeUrl(request.url)} for a token; refused: ${error.message}`,
      { cause: error },
    );
  }
}

function parseToken(text: string, url: URL, askedAtMs: number): Token {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidToken(url, 'something that is not JSON');
  }
  const reply = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const token = [reply['token'], reply['access_token']].find(
    (value) => typeof value === 'string' && value !== '',
  );
  if (typeof token !== 'string') throw invalidToken(url, 'neither token nor access_token');
  // A header's value: nothing that could end it.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw invalidToken(url, 'a token with characters that no header may have');
  const stated = reply['expires_in'];
  const lifeSeconds =
    typeof stated === 'number' && stated > 0 ? Math.min(stated, longestLifeSeconds) : defaultLifeSeconds;
  const marginSeconds = Math.min(lifeSeconds * 0.2, 30);
  return { authorization: `Bearer ${token}`, renewAtMs: askedAtMs + (lifeSeconds - marginSeconds) * 1000 };
}

function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function unauthorized(where: string, reason: string, status = 401): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_UNAUTHORIZED',
    `${where} was answered ${status}: ${reason}. Check the remote's user name, password and upstream name; the upstream was asked once.`,
    { status },
  );
}

function invalidChallenge(where: string, field: string | undefined): TidemarkError {
  const came =
    field === undefined
      ? 'without WWW-Authenticate'
      : 'with a WWW-Authenticate that cannot be read or names no known scheme';
  return new TidemarkError(
    'UPSTREAM_AUTH_INVALID',
    `${where} was answered 401 ${came}; expected a Bearer or Basic challenge. Check that the remote's URL is a registry's.`,
    { status: 401 },
  );
}

function invalidToken(url: URL, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_AUTH_INVALID',
    `GET ${describeUrl(url)} answered ${came}; expected JSON with token or access_token, at most 1 MiB.`,
  );
}

async function abortable<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
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
