import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
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
  /** The `Authorization` of the remote's user; undefined for anonymous access. */
  readonly basic: string | undefined;
  readonly realmRules: () => RealmRules;
  readonly exchange: Exchange;
  readonly now: () => number;
}

const tokenBodyMaxBytes = 1024 * 1024;
const defaultLifeSeconds = 60;
const longestLifeSeconds = 24 * 60 * 60;

/** The token request of the distribution project (token.md, "Requesting a Token"). */
export async function requestToken(
  source: TokenSource,
  options: TokenRequestOptions,
  signal: AbortSignal | undefined,
): Promise<Token> {
  const rules = options.realmRules();
  const url = checkRealm(source.realm, rules);
  url.hash = '';
  if (source.service !== undefined) url.searchParams.set('service', source.service);
  // Several scopes are separate parameters (token.md).
  for (const scope of source.scope.split(/\s+/)) if (scope !== '') url.searchParams.append('scope', scope);
  const { basic } = options;
  const request: HttpRequest = {
    method: 'GET',
    url,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(basic === undefined ? {} : { authorization: basic }),
    },
    signal,
  };
  const askedAtMs = options.now();
  const response = await realmExchange(request, options.exchange, rules);
  if (response.status === 401 || response.status === 403) {
    await response.discard();
    const who =
      basic === undefined ? 'anonymous access was refused' : 'the user name and password were refused';
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

/** An address that the guard refuses is a refused realm, also after redirects. */
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
    `GET ${describeUrl(url)} answered ${came}; expected JSON with token or access_token, at most 1 MiB.`,
  );
}
