import { Authenticator } from './auth/auth.ts';
import { fixedLogin } from './auth/fixed-login.ts';
import { startDeadline } from './transport/deadline.ts';
import { describeRequest } from './transport/exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from './transport/exchange.ts';
import { parseRateLimit } from './rate-limit.ts';
import { followRedirects, harmless } from './transport/redirect.ts';
import type { RegistryOptions } from './registry.ts';
import { requestHeaders } from './transport/request-headers.ts';
import { retry } from './transport/retry.ts';
import { sendAuthorized } from './auth/send-authorized.ts';
import { slowDownMs } from './status.ts';
import { openTransport } from './transport/transport.ts';
import type { Transport, TransportSettings } from './transport/transport.ts';
import type { MinimumRate } from './transport/body.ts';

/** Settings beyond those of a remote, for tests and probes. */
export interface ClientSettings extends TransportSettings {
  /** Default: connections of its own. */
  readonly openTransport?: (options: RegistryOptions) => Transport;
  readonly retryBaseMs?: number;
  readonly minimumRate?: MinimumRate;
  readonly tagPageMaxBytes?: number;
  /** Base of Docker Hub's own API; default `https://hub.docker.com`. */
  readonly dockerHubApi?: string;
  readonly now?: () => number;
  /** Called for each answer, including the token service's. */
  readonly onAnswer?: (request: HttpRequest, response: HttpResponse) => void;
}

export interface RequestInput {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** As in `HttpRequest`. */
  readonly threadBytes?: number | undefined;
  /** A look-up beside the image's requests: its refusal says nothing about them. */
  readonly isSide?: boolean;
  /** Not repeated after a transient error. */
  readonly isOnce?: boolean;
  /** Sent without credentials; a refusal is the answer. */
  readonly isAnonymous?: boolean;
  /** As in `HttpRequest`. */
  readonly isStranger?: boolean | undefined;
}

/**
 * Sends requests to one registry, with headers, rate limit, tokens, redirects, deadline and retries. A request to another origin carries no
 * secret, as after a redirect.
 */
export interface Requester {
  /**
   * Sends a request and reads the answer; transient errors retry both. `read` gets answers of every status, and must read or discard the body.
   */
  request<Result>(
    input: RequestInput,
    read: (response: HttpResponse, request: HttpRequest) => Promise<Result>,
  ): Promise<Result>;
  /** As `request`, for a body that is read later: `whenDone` ends the deadline. */
  open<Result>(
    input: RequestInput,
    read: (response: HttpResponse, request: HttpRequest, whenDone: () => void) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

export function createRequester(options: RegistryOptions, settings: ClientSettings = {}): Requester {
  const transport = (settings.openTransport ?? openTransport)(options, settings);
  const registry = new URL(options.url);
  const ownHeaders = requestHeaders(options.headers);
  const totalTimeoutMs = options.totalTimeoutMs ?? 0;

  const exchange = observed((request) => transport.exchange(request), options, settings);
  const authenticator = new Authenticator({
    logins: options.logins ?? fixedLogin(options),
    defaultScope: `repository:${options.upstreamName}:pull`,
    realmRules: () => ({
      registry,
      realmHosts: options.realmHosts ?? [],
      allowPrivate: options.allowPrivate && transport.registryIsPrivate(),
      ...(settings.classify === undefined ? {} : { classify: settings.classify }),
    }),
    exchange,
    ...(settings.now === undefined ? {} : { now: settings.now }),
  });

  const open: Requester['open'] = async (input, read) =>
    retry(
      async () => {
        const deadline = startDeadline(input.signal, totalTimeoutMs, describeRequest(input));
        try {
          const { isSide = false, isAnonymous = false, isOnce: _, ...sent } = input;
          const isForeign = input.isStranger === true || input.url.origin !== registry.origin;
          const own = isForeign ? harmless(ownHeaders) : ownHeaders;
          const headers = { ...own, 'accept-encoding': 'identity', ...input.headers };
          const request: HttpRequest = { ...sent, headers, signal: deadline.signal };
          const response =
            isForeign || isAnonymous
              ? await followRedirects(exchange, request)
              : await sendAuthorized(exchange, authenticator, request, isSide);
          return await read(response, request, () => deadline.end());
        } catch (error) {
          deadline.end();
          throw error;
        }
      },
      {
        maxRetries: input.isOnce === true ? 0 : (options.maxRetries ?? 3),
        signal: input.signal,
        ...(settings.retryBaseMs === undefined ? {} : { baseMs: settings.retryBaseMs }),
      },
    );

  return {
    open,
    request: async (input, read) =>
      open(input, async (response, request, whenDone) => {
        const result = await read(response, request);
        whenDone();
        return result;
      }),
    close: async () => transport.close(),
  };
}

/** Waits for the rate limit, and reports what the answers say about it. */
function observed(send: Exchange, options: RegistryOptions, settings: ClientSettings): Exchange {
  const { host } = new URL(options.url);
  return async (request) => {
    await options.beforeRequest?.(request.signal);
    request.signal?.throwIfAborted();
    const response = await send(request);
    settings.onAnswer?.(request, response);
    const waitMs = slowDownMs(response);
    if (waitMs !== undefined) options.onRateLimited?.(waitMs);
    if (response.url.host !== host) return response;
    options.onAnswer?.();
    const limit = options.onRateLimit === undefined ? undefined : parseRateLimit(response.headers);
    if (limit !== undefined) options.onRateLimit?.(limit);
    return response;
  };
}
