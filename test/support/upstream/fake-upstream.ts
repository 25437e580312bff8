import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';

/** What is sent back. `handler` does as it likes with the response or its socket. */
export type Answer =
  | CannedAnswer
  | ((request: IncomingMessage, response: ServerResponse) => void | Promise<void>);

export interface CannedAnswer {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

export interface RecordedRequest {
  readonly method: string;
  /** Path and query, as received. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Arrival, on the clock of `performance.now()`. */
  readonly atMs: number;
}

export interface FakeUpstreamOptions {
  /** Answers what no route is there for; without it such a request is unexpected. */
  readonly fallback?: Answer;
  /** Default 127.0.0.1. All of 127.0.0.0/8 is there on Linux. */
  readonly host?: string;
  readonly tls?: {
    /** Names of `fixtures/<name>.pem` and `.key`. Default `server`. */
    readonly certificate?: 'server' | 'expired' | 'other-name' | 'self-signed';
    /** Asks for a client certificate that the test CA signed. */
    readonly clientCertificate?: boolean;
    readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
  };
}

/** A registry played from a script, on a real port. A request that is not in the script fails the test. */
export interface FakeUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: RecordedRequest[];
  /** Requests that no answer was there for, as `GET /path`. */
  readonly unexpected: string[];
  /**
   * Answers for `METHOD /path` (with the query, or without for any): one a request in this order, the last one for all
   * that follow. Given again for the same route, they replace what was there.
   */
  on(route: string, ...answers: Answer[]): void;
  /** The fallback answers the route again. */
  off(route: string): void;
  /** As `on`, but each answer is for exactly one request, and `assertDone` wants them all used. */
  script(route: string, ...answers: Answer[]): void;
  /** The requests of one route, without looking at the query. */
  requestsOf(route: string): RecordedRequest[];
  /** Connections that were opened so far. */
  connections(): number;
  /** @throws when a request came that was not in the script, or one of the script did not come. */
  assertDone(): void;
  close(): Promise<void>;
}

interface Route {
  readonly answers: Answer[];
  readonly exact: boolean;
}

export async function openFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const { host = '127.0.0.1', tls } = options;
  const routes = new Map<string, Route>();
  const requests: RecordedRequest[] = [];
  const unexpected: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers, atMs: performance.now() });
    request.resume();
    const answer = nextAnswer(routes, `${method} ${path}`) ?? options.fallback;
    if (answer === undefined) {
      unexpected.push(`${method} ${path}`);
      response.writeHead(418, { 'content-type': 'text/plain' }).end('not in the script');
    } else if (typeof answer === 'function') {
      void Promise.resolve(answer(request, response)).catch((error: unknown) => {
        unexpected.push(`${method} ${path}: its answer failed: ${String(error)}`);
        response.destroy();
      });
    } else send(request, response, answer);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(tls), listener);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const upstream: FakeUpstream = {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    requests,
    unexpected,
    on: (route, ...answers) => void routes.set(route, { answers, exact: false }),
    off: (route) => void routes.delete(route),
    script: (route, ...answers) => void routes.set(route, { answers, exact: true }),
    requestsOf: (route) =>
      requests.filter(({ method, path }) => `${method} ${path.split('?', 1)[0]}` === route),
    connections: () => connections,
    assertDone() {
      const unused = [...routes].filter(([, { exact, answers }]) => exact && answers.length > 0);
      const faults = [
        ...unexpected.map((request) => `unexpected request: ${request}`),
        ...unused.map(([route, { answers }]) => `${answers.length} request(s) did not come: ${route}`),
      ];
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    [Symbol.asyncDispose]: async () => upstream.close(),
  };
  return upstream;
}

/** JSON, of the type given. */
export function json(value: unknown, headers: CannedAnswer['headers'] = {}, status = 200): CannedAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** Closes the connection with RST and without an answer. */
export const reset: Answer = (request) => {
  request.socket.resetAndDestroy();
};

/** Never answers. */
export const hang: Answer = () => {};

/** Bytes instead of HTTP; then the end of the connection. */
export function raw(bytes: string | Uint8Array): Answer {
  return (request) => {
    request.socket.end(bytes);
  };
}

/** Announces the whole body, sends its first bytes, and closes. */
export function truncated(answer: CannedAnswer, sentBytes: number): Answer {
  return (_request, response) => {
    const body = Buffer.from(answer.body ?? '');
    response.writeHead(answer.status ?? 200, { ...answer.headers, 'content-length': String(body.length) });
    response.write(body.subarray(0, sentBytes), () => response.socket?.destroySoon());
  };
}

/** A blob that honours `Range: bytes=a-`. */
export function blob(body: Uint8Array): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = body.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': String(part.length),
      ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    });
    response.end(part);
  };
}

/** The text of a file of `test/support/fixtures`. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
}

function nextAnswer(routes: ReadonlyMap<string, Route>, request: string): Answer | undefined {
  const route = routes.get(request) ?? routes.get(request.split('?', 1)[0] ?? '');
  if (route === undefined) return undefined;
  return route.exact || route.answers.length > 1 ? route.answers.shift() : route.answers[0];
}

export function send(request: IncomingMessage, response: ServerResponse, answer: CannedAnswer): void {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status ?? 200, { 'content-length': String(body.length), ...answer.headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function tlsOptions(tls: NonNullable<FakeUpstreamOptions['tls']>): Record<string, unknown> {
  const name = tls.certificate ?? 'server';
  return {
    cert: fixture(`${name}.pem`),
    key: fixture(`${name}.key`),
    ...(tls.clientCertificate === true ? { requestCert: true, ca: fixture('ca.pem') } : {}),
    ...(tls.maxVersion === undefined
      ? {}
      : { maxVersion: tls.maxVersion, minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
  };
}
