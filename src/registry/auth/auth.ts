import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { LoginCall, LoginSource } from '../../oci/hosts/registry-login.ts';
import { createBasicLogin } from './basic-login.ts';
import type { BasicLogin, LoginRequest } from './basic-login.ts';
import { createBoundedMap } from '../transport/bounded-map.ts';
import { parseChallenges } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { describeUrl, joinedHeader } from '../transport/exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { postForm } from './post-form.ts';
import type { RealmRules } from './realm.ts';
import { requestToken } from './token-request.ts';
import type { TokenSource } from './token-request.ts';
import { createTokenStore, tokenKey } from './token-store.ts';
import type { TokenStore } from './token-store.ts';
import { withLogin } from './with-login.ts';

export interface AuthOptions {
  readonly logins: LoginSource;
  /** The scope if a challenge names none: `repository:library/nginx:pull`. */
  readonly defaultScope: string;
  readonly realmRules: () => RealmRules;
  /** Sends one rate-limited request. Retries are the caller's. */
  readonly exchange: Exchange;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** One request with all its attempts. */
export interface AuthorizedRequest extends LoginRequest {
  /** The challenges answered so far. */
  readonly answered: Set<string>;
  /** The Authorization of the last attempt. */
  used: string | undefined;
  /** Whether `used` comes from requests of other kinds. */
  isBorrowed: boolean;
}

/** The credential that a challenge requests. */
type Wanted = { readonly key: 'basic' } | { readonly key: string; readonly source: TokenSource };

const maxAnswers = 2;
/** A bound, because links of the registry create kinds. */
const maxKinds = 64;

/**
 * The tokens of one client. Clients share nothing, so no remote sees another's tokens (fault 18). A challenge applies to requests of its kind:
 * registries request different scopes for `/v2/`, tags and referrers (cloudflare/serverless-registry#148).
 */
export class Authenticator {
  readonly #defaultScope: string;
  readonly #login: BasicLogin;
  readonly #tokens: TokenStore;
  /** By kind: the credential of the last challenge. */
  readonly #wantedBy = createBoundedMap<Wanted>(maxKinds);
  /** By kind: the challenge and the credential that was refused for it. A new one would be refused too. */
  readonly #uselessFor = createBoundedMap<string>(maxKinds);
  /** Kinds that are answered the same without credentials. */
  readonly #openKinds = createBoundedMap<true>(maxKinds);
  /** The last credential that the registry accepted. */
  #letIn: Wanted | undefined;

  constructor({ logins, defaultScope, realmRules, exchange, now = () => performance.now() }: AuthOptions) {
    const callOf = (signal: AbortSignal | undefined): LoginCall => ({
      signal,
      postForm: (url, form, formSignal) => postForm(exchange, url, form, formSignal),
    });
    this.#defaultScope = defaultScope;
    this.#login = createBasicLogin(logins, callOf, now);
    this.#tokens = createTokenStore(
      async (source, signal) =>
        withLogin(logins, callOf(signal), (login) =>
          requestToken(source, { login, realmRules, exchange, now }, signal),
        ),
      now,
    );
  }

  /** Starts with the authorization for the last challenge to this kind, if there was one. */
  async begin(
    { method, url, signal }: Pick<HttpRequest, 'method' | 'url' | 'signal'>,
    isSide: boolean,
  ): Promise<AuthorizedRequest> {
    const kind = `${method} ${new URL('.', url).href}`;
    const wanted = this.#wantedBy.get(kind);
    const used = wanted && (await this.#expected(wanted, signal));
    // Some registries refuse HEAD only; it is a look-up before GET.
    return { kind, isSide: isSide || method === 'HEAD', answered: new Set(), used, isBorrowed: false };
  }

  /**
   * For a challenge (401, or 403 with `insufficient_scope`), sets `used` to its answer. At most two challenges are answered, each once.
   * @returns whether to send the request again, with the body discarded; false keeps the answer.
   * @throws TidemarkError `UPSTREAM_AUTH_INVALID`, `UPSTREAM_REALM_REFUSED`, `UPSTREAM_UNAUTHORIZED`, or of the token request.
   */
  async answer(request: AuthorizedRequest, response: HttpResponse, signal?: AbortSignal): Promise<boolean> {
    const { kind, used, isBorrowed } = request;
    if (isChallenge(response) && !isBorrowed) return this.#answerChallenge(request, response, signal);
    const isRefused = response.status === 401 || response.status === 403;
    if (isBorrowed && isRefused) {
      // The answer without credentials decides.
      this.#openKinds.set(kind, true);
      request.used = undefined;
      request.isBorrowed = false;
      await response.discard();
      return true;
    }
    if (isBorrowed && this.#letIn !== undefined) this.#wantedBy.set(kind, this.#letIn);
    if (used !== undefined && !isRefused && response.status < 500) {
      this.#uselessFor.delete(kind);
      if (isBasic(used)) this.#login.accept();
      this.#letIn = response.status < 400 ? (this.#wantedBy.get(kind) ?? this.#letIn) : this.#letIn;
    }
    return this.#tryBorrowed(request, response, signal);
  }

  /** Must be called after the last attempt. */
  end(request: AuthorizedRequest): void {
    request.endTurn?.();
  }

  /** An expected credential must not fail a request: its own challenge decides. */
  async #expected(wanted: Wanted, signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      return 'source' in wanted
        ? await this.#tokens.get(wanted.source, signal)
        : await this.#login.current(signal);
    } catch (error) {
      if (!isTidemarkError(error) || error.retryable) throw error;
      return undefined;
    }
  }

  async #answerChallenge(
    request: AuthorizedRequest,
    response: HttpResponse,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { kind, answered, used } = request;
    const challenges = challengesOf(response);
    // Some registries send no challenge for an expired token.
    const before = used === undefined || challenges !== 'none' ? undefined : this.#wantedBy.get(kind);
    const offered = before === undefined ? wantedOf(challenges, this.#defaultScope) : [before];
    const next = offered.find(({ key }) => !answered.has(key));
    const where = describeUrl(response.url);
    if (isBasic(used) && offered.length > 0 && (next?.key ?? 'basic') === 'basic') {
      await response.discard();
      request.used = await this.#login.renew(request, used, signal);
      if (request.used !== undefined) return true;
      this.#wantedBy.delete(kind);
      throw this.#login.refuse(request, where);
    }
    const isUseless = next !== undefined && this.#uselessFor.get(kind) === `${next.key} ${used}`;
    const isAllAnswered = answered.size === maxAnswers || (answered.size > 0 && next === undefined);
    if (isUseless || isAllAnswered || (response.status === 403 && next === undefined)) {
      if (isAllAnswered) this.#uselessFor.set(kind, `${[...answered].at(-1)} ${used}`);
      return false;
    }
    await response.discard();
    if (next === undefined) throw invalidChallenge(where, challenges);
    answered.add(next.key);
    if ('source' in next) {
      if (used !== undefined) this.#tokens.drop(next.source, used);
      request.used = await this.#tokens.get(next.source, signal);
    } else request.used = await this.#login.use(request, where, signal);
    this.#wantedBy.set(kind, next);
    return true;
  }

  /** A registry may answer anonymous requests 403 or 404 instead of a challenge. */
  async #tryBorrowed(
    request: AuthorizedRequest,
    response: HttpResponse,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { kind } = request;
    const mayHide = response.status === 404 || response.status === 403;
    if (!mayHide || this.#letIn === undefined || request.used !== undefined) return false;
    if (this.#wantedBy.get(kind) !== undefined || this.#openKinds.get(kind) === true) return false;
    request.used = await this.#expected(this.#letIn, signal);
    if (request.used === undefined) return false;
    request.isBorrowed = true;
    await response.discard();
    return true;
  }
}

function isChallenge({ status, headers }: HttpResponse): boolean {
  if (status !== 403) return status === 401;
  return (joinedHeader(headers, 'www-authenticate') ?? '').includes('insufficient_scope');
}

function challengesOf(response: HttpResponse): readonly Challenge[] | 'none' | 'unreadable' {
  const field = joinedHeader(response.headers, 'www-authenticate');
  return field === undefined ? 'none' : (parseChallenges(field) ?? 'unreadable');
}

/** The credentials for the known challenges, Bearer first. */
function wantedOf(challenges: ReturnType<typeof challengesOf>, defaultScope: string): Wanted[] {
  if (typeof challenges === 'string') return [];
  const bearer = challenges.flatMap(({ scheme, parameters }) => {
    const realm = parameters.get('realm');
    if (scheme !== 'bearer' || realm === undefined || realm === '') return [];
    const scope = parameters.get('scope');
    const source: TokenSource = {
      realm,
      service: parameters.get('service'),
      scope: scope === undefined || scope === '' ? defaultScope : scope,
    };
    return [{ key: tokenKey(source), source }];
  });
  const hasBasic = challenges.some(({ scheme }) => scheme === 'basic');
  return [...bearer, ...(hasBasic ? [{ key: 'basic' } as const] : [])];
}

function isBasic(authorization: string | undefined): authorization is string {
  return authorization?.startsWith('Basic ') === true;
}

function invalidChallenge(where: string, challenges: ReturnType<typeof challengesOf>): TidemarkError {
  const came =
    challenges === 'none'
      ? 'without WWW-Authenticate'
      : typeof challenges !== 'string' && challenges.some(({ scheme }) => scheme === 'bearer')
        ? 'with a Bearer challenge without a realm'
        : 'with a WWW-Authenticate that is unreadable or has no known scheme';
  return new TidemarkError(
    'UPSTREAM_AUTH_INVALID',
    `${where} was answered 401 ${came}; expected WWW-Authenticate: Bearer realm="…" or Basic. Check that the remote's URL is a registry's.`,
    { status: 401 },
  );
}
