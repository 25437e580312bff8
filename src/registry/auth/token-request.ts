import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { RegistryLogin } from '../../oci/hosts/registry-login.ts';
import { readUpTo } from '../transport/body.ts';
import { describeUrl } from '../transport/exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { checkRealm } from './realm.ts';
import type { RealmRules } from './realm.ts';
import { followRedirects } from '../transport/redirect.ts';
import { checkStatus, isWebPage } from '../status.ts';

/** The key of tokens and of refusals. */
export interface TokenSource {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string;
}

export interface Token {
  /** The value of `Authorization`. */
  readonly authorization: string;
  readonly renewAtMs: number;
}

export interface TokenRequestOptions {
  /** Undefined for anonymous access. */
  readonly login: RegistryLogin | undefined;
  readonly realmRules: () => RealmRules;
  readonly exchange: Exchange;
  readonly now: () => number;
}

const tokenBodyMaxBytes = 1024 * 1024;
const defaultLifeSeconds = 60;
const longestLifeSeconds = 24 * 60 * 60;

/**
 * The token request of the distribution project: token.md, "Requesting a Token"; for an identity token oauth.md, "Getting a token", with the
 * grant type refresh_token.
 */
export async function requestToken(
  source: TokenSource,
  options: TokenRequestOptions,
  signal: AbortSignal | undefined,
): Promise<Token> {
  const rules = options.realmRules();
  const url = checkRealm(source.realm, rules);
  url.hash = '';
  const { login } = options;
  const request =
    login?.kind === 'identityToken'
      ? identityRequest(source, url, login.token, signal)
      : plainRequest(source, url, login, signal);
  const askedAtMs = options.now();
  const response = await realmExchange(request, options.exchange, rules);
  const { status } = response;
  if (status === 401 || status === 403 || (status === 400 && request.method === 'POST')) {
    await response.discard();
    throw unauthorized(describeUrl(url), refusals[login?.kind ?? 'anonymous'], status);
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

const refusals = {
  anonymous: 'anonymous access was refused',
  basic: 'the user name and password were refused',
  identityToken: 'the identity token was refused',
} as const;

function plainRequest(
  { service, scope: scopes }: TokenSource,
  url: URL,
  login: Extract<RegistryLogin, { kind: 'basic' }> | undefined,
  signal: AbortSignal | undefined,
): HttpRequest {
  if (service !== undefined) url.searchParams.set('service', service);
  // Several scopes are separate parameters (token.md).
  for (const scope of scopes.split(/\s+/)) if (scope !== '') url.searchParams.append('scope', scope);
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' };
  return {
    method: 'GET',
    url,
    headers: login === undefined ? headers : { ...headers, authorization: basicAuthorization(login) },
    signal,
  };
}

function identityRequest(
  { service, scope }: TokenSource,
  url: URL,
  token: string,
  signal: AbortSignal | undefined,
): HttpRequest {
  const form = { grant_type: 'refresh_token', client_id: 'tidemark', refresh_token: token, scope };
  return formRequest(url, service === undefined ? form : { ...form, service }, signal);
}

export function formRequest(
  url: URL,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
    signal,
  };
}

export function basicAuthorization({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** An address that the guard refuses is a refused realm, also after redirects. */
async function realmExchange(
  request: HttpRequest,
  exchange: Exchange,
  rules: RealmRules,
): Promise<HttpResponse> {
  try {
    // A redirect of a form is not followed: its body is a secret.
    return request.method === 'POST' ? await exchange(request) : await followRedirects(exchange, request);
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'ADDRESS_REFUSED') throw error;
    throw new TidemarkError(
      'UPSTREAM_REALM_REFUSED',
      `The registry ${rules.registry.host} names the token realm ${describeUrl(request.url)}, which was refused: ${error.message}`,
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
  // No character that could end a header.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw invalidToken(url, 'a token with characters that are not allowed in headers');
  const stated = reply['expires_in'];
  const lifeSeconds =
    typeof stated === 'number' && stated > 0 ? Math.min(stated, longestLifeSeconds) : defaultLifeSeconds;
  const marginSeconds = Math.min(lifeSeconds * 0.2, 30);
  return { authorization: `Bearer ${token}`, renewAtMs: askedAtMs + (lifeSeconds - marginSeconds) * 1000 };
}

export function unauthorized(where: string, reason: string, status = 401): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_UNAUTHORIZED',
    `${where} was answered ${status}: ${reason}. Check the remote's user name, password and upstream name. The request was not repeated.`,
    { status },
  );
}

function invalidToken(url: URL, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_AUTH_INVALID',
    `${describeUrl(url)} answered ${came}; expected JSON with token or access_token, at most 1 MiB.`,
  );
}
