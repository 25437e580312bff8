import type { LookupFunction } from 'node:net';
import { ProxyAgent, buildConnector } from 'undici';
import type { Dispatcher } from 'undici';
import { classifyAddress, isListedAddress } from '../../oci/hosts/address.ts';
import { TidemarkError } from '../../oci/error.ts';
import { admitConnected, tlsSettings } from './connect-settings.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { networkError } from './network-error.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';
import { observed } from './observed-exchange.ts';
import type { RegistryOptions } from '../registry.ts';
import { openSocketExchange } from './sockets/socket-exchange.ts';
import type { SocketExchange } from './sockets/socket-exchange.ts';
import { addressPolicy, checkLiteral, guardedLookup } from './transport-guard.ts';
import { StaleConnection, exchangeThroughUndici } from './undici-exchange.ts';
import { createWatchedAgent } from './watched-agent.ts';

/** Settings for tests (name resolution, private addresses, and timeouts), and for what is no upstream. */
export interface TransportSettings {
  readonly lookup?: LookupFunction;
  readonly classify?: typeof classifyAddress;
  /** False: undici reads all bodies. */
  readonly ownSockets?: boolean;
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
/** A server that restarts closes all idle connections. Later failures are left to the ordinary retries. */
const staleMost = 3;

/** Connections to the registry's own host, which gets the client certificate, or to any other. */
interface Route {
  readonly dispatcher: Dispatcher;
  readonly sockets: SocketExchange | undefined;
}

/** Connects on first use. @throws TidemarkError `PROXY_FAILED`, `TLS_OPTIONS_INVALID` */
export function openTransport(options: RegistryOptions, settings: TransportSettings = {}): Transport {
  const registry = new URL(options.url);
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
    const connect: ConnectSettings = {
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      readTimeoutMs: options.sockReadTimeoutMs ?? 60_000,
      lookup: guardedLookup(policy, settings.lookup),
      policy,
      tls: tlsSettings(options.tls, kind === 'own'),
      onConnected: (address) => {
        if (kind !== 'own') return;
        seen[classify(address) === 'public' ? 'public' : 'private'] = true;
        settings.onReached?.(address);
      },
    };
    const route = openRoute(connect, options.proxyUrl, settings.ownSockets ?? true);
    routes.set(kind, route);
    return route;
  };

  const exchange: Exchange = async (request) => {
    const route = routeTo(request);
    for (let stale = 0; ; stale += 1)
      try {
        const large = request.large === true ? await route.sockets?.exchange(request) : undefined;
        return large ?? (await throughUndici(route.dispatcher, request, options));
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
      for (const { sockets } of routes.values()) sockets?.close();
      await Promise.all([...routes.values()].map(({ dispatcher }) => dispatcher.destroy()));
    },
  };
}

function openRoute(connect: ConnectSettings, proxyUrl: string | undefined, ownSockets: boolean): Route {
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
      dispatcher: createWatchedAgent({ ...shared, keepAliveTimeout: idleMs }, guardedConnector(connect)),
      sockets: ownSockets ? openSocketExchange(connect) : undefined,
    };
  const proxy = parseProxyUrl(proxyUrl);
  checkLiteral(connect.policy, proxy.hostname);
  const dispatcher = new ProxyAgent({
    ...shared,
    uri: proxy.href,
    // The proxy is verified by the same roots as the upstream, but gets no client certificate.
    proxyTls: { lookup: connect.lookup, timeout: connect.connectTimeoutMs },
    requestTls: { ...connect.tls, timeout: connect.connectTimeoutMs },
  });
  return { dispatcher, sockets: undefined };
}

/** undici's connector, with address checks before and after the connection. */
function guardedConnector(connect: ConnectSettings): buildConnector.connector {
  const open = buildConnector({
    ...connect.tls,
    lookup: connect.lookup,
    timeout: connect.connectTimeoutMs,
    allowH2: false,
  });
  return (target, callback) => {
    try {
      checkLiteral(connect.policy, target.hostname);
    } catch (error) {
      return callback(error as Error, null);
    }
    open(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      try {
        admitConnected(connect, socket, target.hostname);
      } catch (refusal) {
        socket.destroy();
        return callback(refusal as Error, null);
      }
      callback(null, socket);
    });
  };
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
