import type { LookupFunction, Socket } from 'node:net';
import { ProxyAgent, buildConnector } from 'undici';
import type { Dispatcher } from 'undici';
import { classifyAddress, isListedAddress } from '../../oci/hosts/address.ts';
import { TidemarkError } from '../../oci/error.ts';
import { admitConnected, tlsSettings } from './connect-settings.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { networkError } from './network-error.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';
import { observed } from './observed-exchange.ts';
import type { RegistryOptions, TlsOptions } from '../registry.ts';
import { addressPolicy, checkLiteral, guardedLookup } from './transport-guard.ts';
import type { AddressPolicy } from './transport-guard.ts';
import { openThreadExchange } from './threads/thread-exchange.ts';
import type { ThreadExchange } from './threads/thread-exchange.ts';
import { StaleConnection, exchangeThroughUndici } from './undici-exchange.ts';
import { createWatchedAgent } from './watched-agent.ts';

/** Settings for tests (name resolution, private addresses, and timeouts), and for what is no upstream. */
export interface TransportSettings {
  readonly lookup?: LookupFunction;
  readonly classify?: typeof classifyAddress;
  /** Bodies of at least so many bytes are read on download threads; default 1 MiB. */
  readonly threadsFrom?: number;
  /** Called for each connected address of the registry's own host. */
  readonly onReached?: (address: string) => void;
  /** False: the requests are not told as requests to an upstream. */
  readonly isObserved?: boolean;
}

export interface Transport {
  /** Sends one request without following redirects. @throws as `networkError`; `ADDRESS_REFUSED`; the signal's reason. */
  readonly exchange: Exchange;
  /** Whether all connected addresses of the registry are loopback or private; false before the first. */
  registryIsPrivate(): boolean;
  /** Closes all connections; running requests fail. */
  close(): Promise<void>;
}

/**
 * Most servers and proxies on the way keep idle connections for a minute; a `Keep-Alive` header of the server shortens this. Longer than the
 * pause between two syncs of an estate.
 */
const idleMs = 50_000;
/** Below this, the messages between threads cost more than the bytes. */
const largeBytes = 1024 * 1024;
/** A server that restarts closes all idle connections. Later failures are left to the ordinary retries. */
const staleMost = 3;

/** Connections to the registry's own host, which gets the client certificate, or to any other. */
interface Route {
  readonly policy: AddressPolicy;
  readonly dispatcher: Dispatcher;
  readonly threads: ThreadExchange | undefined;
}

/** Connects on first use. @throws TidemarkError `PROXY_FAILED`, `TLS_OPTIONS_INVALID` */
export function openTransport(options: RegistryOptions, settings: TransportSettings = {}): Transport {
  const registry = new URL(options.url);
  const { threadsFrom = largeBytes } = settings;
  const classify = settings.classify ?? classifyAddress;
  const seen = { private: false, public: false };
  const registryIsPrivate = () => seen.private && !seen.public;
  const routes = new Map<'own' | 'other', Route>();
  const mayBePrivate = (address: string): boolean =>
    options.allowPrivate || isListedAddress(address, options.allowAddresses ?? []);

  const routeTo = ({ url, isStranger = false }: HttpRequest): Route => {
    // A token service on another port of the registry's host is its own host too.
    const kind = url.hostname === registry.hostname && !isStranger ? 'own' : 'other';
    const known = routes.get(kind);
    if (known !== undefined) return known;
    const policy = addressPolicy(
      classify,
      (address) =>
        mayBePrivate(address) && (kind === 'own' || options.proxyUrl !== undefined || registryIsPrivate()),
    );
    const admit = (address: string, name: string): void => {
      policy.check(address, name);
      if (kind !== 'own') return;
      seen[classify(address) === 'public' ? 'public' : 'private'] = true;
      settings.onReached?.(address);
    };
    const lookup = guardedLookup(policy, settings.lookup);
    const route = openRoute({ policy, admit, lookup, ...plainSettings(options, kind) }, options.proxyUrl);
    routes.set(kind, route);
    return route;
  };

  const exchange: Exchange = async (request) => {
    const route = routeTo(request);
    for (let stale = 0; ; stale += 1)
      try {
        if (options.proxyUrl === undefined) checkLiteral(route.policy, request.url.hostname);
        const isLarge = (request.threadBytes ?? -1) >= threadsFrom;
        const response = isLarge ? await route.threads?.exchange(request) : undefined;
        return response ?? (await throughUndici(route.dispatcher, request, options));
      } catch (error) {
        // GET and HEAD change nothing, so they may reach the server twice.
        const isRepeatable = request.body === undefined;
        if (isRepeatable && error instanceof StaleConnection && stale < staleMost) continue;
        throw networkError(error, request, 'header', options.proxyUrl !== undefined);
      }
  };
  return {
    exchange: settings.isObserved === false ? exchange : observed(exchange),
    registryIsPrivate: () => (options.proxyUrl === undefined ? registryIsPrivate() : options.allowPrivate),
    async close() {
      for (const { threads } of routes.values()) threads?.close();
      await Promise.all([...routes.values()].map(({ dispatcher }) => dispatcher.destroy()));
    },
  };
}

/** Only the registry's own host gets the client certificate. */
function plainSettings(
  { connectTimeoutMs = 10_000, sockReadTimeoutMs = 60_000, tls = {} }: RegistryOptions,
  kind: 'own' | 'other',
): Pick<RouteSettings, 'connectTimeoutMs' | 'readTimeoutMs' | 'tls'> {
  const { cert: _, key: __, ...withoutClient } = tls;
  return { connectTimeoutMs, readTimeoutMs: sockReadTimeoutMs, tls: kind === 'own' ? tls : withoutClient };
}

interface RouteSettings extends Omit<ConnectSettings, 'tls'> {
  readonly policy: AddressPolicy;
  /** Of this kind of host. */
  readonly tls: TlsOptions;
}

function openRoute(settings: RouteSettings, proxyUrl: string | undefined): Route {
  const { policy } = settings;
  const connect: ConnectSettings = { ...settings, tls: tlsSettings(settings.tls) };
  const shared = {
    // HTTP/1.1 only: a broken connection then affects one request, and our own sockets speak nothing else.
    allowH2: false,
    connections: 64,
    connectTimeout: connect.connectTimeoutMs,
    headersTimeout: connect.readTimeoutMs,
    bodyTimeout: connect.readTimeoutMs,
    maxHeaderSize: 64 * 1024,
  };
  if (proxyUrl === undefined)
    return {
      policy,
      dispatcher: createWatchedAgent({ ...shared, keepAliveTimeout: idleMs }, guardedConnector(connect)),
      threads: openThreadExchange(settings),
    };
  const proxy = parseProxyUrl(proxyUrl);
  checkLiteral(policy, proxy.hostname);
  const dispatcher = new ProxyAgent({
    ...shared,
    uri: proxy.href,
    // The proxy is verified by the same roots as the upstream, but gets no client certificate.
    proxyTls: { lookup: connect.lookup, timeout: connect.connectTimeoutMs },
    requestTls: { ...connect.tls, timeout: connect.connectTimeoutMs },
  });
  return { policy, dispatcher, threads: undefined };
}

/** undici's connector, with address checks before and after the connection. */
function guardedConnector(connect: ConnectSettings): buildConnector.connector {
  const open = buildConnector({
    ...connect.tls,
    lookup: connect.lookup,
    timeout: connect.connectTimeoutMs,
    allowH2: false,
  });
  return (target, callback) =>
    open(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      void admitted(connect, socket, target.hostname, callback);
    });
}

async function admitted(
  connect: ConnectSettings,
  socket: Socket,
  hostname: string,
  callback: buildConnector.Callback,
): Promise<void> {
  try {
    await admitConnected(connect, socket, hostname);
  } catch (refusal) {
    socket.destroy();
    return callback(refusal as Error, null);
  }
  callback(null, socket);
}

async function throughUndici(
  dispatcher: Dispatcher,
  request: HttpRequest,
  options: RegistryOptions,
): Promise<HttpResponse> {
  const throughProxy = options.proxyUrl !== undefined;
  // A proxy resolves names itself; only IP addresses can be checked here.
  if (throughProxy)
    checkLiteral(
      addressPolicy(classifyAddress, () => options.allowPrivate),
      request.url.hostname,
    );
  return exchangeThroughUndici(dispatcher, request, throughProxy);
}

function parseProxyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new TidemarkError(
    'PROXY_FAILED',
    "The remote's proxy URL is invalid; expected http(s)://[user:password@]host:port.",
    {
      origin: 'caller',
    },
  );
}
