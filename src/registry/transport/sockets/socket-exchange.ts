import { contentCoding } from '../content-coding.ts';
import { describeRequest, requestTarget } from '../exchange.ts';
import type { HttpRequest, HttpResponse } from '../exchange.ts';
import { collectHead, notHttp } from './head-collector.ts';
import { parseHead } from './http-head.ts';
import type { HttpHead } from './http-head.ts';
import { networkError, truncated } from '../network-error.ts';
import { openConnection } from './socket-connection.ts';
import type { Connection } from './socket-connection.ts';
import type { ConnectSettings } from '../connect-settings.ts';

/** GET requests with large answers, over our own sockets. */
export interface SocketExchange {
  /** Undefined if the answer is chunked or encoded: undici must send the request. */
  exchange(request: HttpRequest): Promise<HttpResponse | undefined>;
  close(): void;
}

const idleMs = 4_000;
const idlePerOrigin = 16;
const discardMaxBytes = 64 * 1024;

interface Head {
  readonly head: HttpHead;
  /** The first bytes of the body, in the connection's buffer. */
  readonly rest: Uint8Array;
}

interface Pool {
  take(origin: string): Promise<Connection | undefined>;
  give(origin: string, connection: Connection): void;
  close(): void;
}

export function openSocketExchange(settings: ConnectSettings): SocketExchange {
  const pool = openPool();
  /** Origins with chunked or encoded answers. */
  const others = new Set<string>();
  return {
    async exchange(request) {
      const { origin } = request.url;
      if (others.has(origin)) return undefined;
      const { connection, answer, letGo } = await send(request, settings, pool);
      const { head, rest } = answer;
      const isBody = head.status === 200 || head.status === 206;
      const isPlain = head.bodyBytes !== undefined && contentCoding(head) === undefined;
      if (isBody && !isPlain) {
        letGo();
        connection.destroy();
        others.add(origin);
        return undefined;
      }
      const bytes = readBody(connection, answer, request);
      let finished = false;
      async function* body(): AsyncGenerator<Uint8Array> {
        try {
          // The body of an error without a length is not read.
          if (isPlain) yield* bytes;
          finished = isPlain && head.keepAlive && rest.length <= (head.bodyBytes ?? 0);
        } finally {
          letGo();
          if (finished) pool.give(origin, connection);
          else connection.destroy();
        }
      }
      const stream = body();
      return {
        status: head.status,
        headers: head.headers,
        url: request.url,
        body: stream,
        async discard() {
          if (isPlain && (head.bodyBytes ?? 0) <= discardMaxBytes) await drain(stream);
          else {
            letGo();
            connection.destroy();
          }
        },
      };
    },
    close: () => pool.close(),
  };
}

interface Sent {
  readonly connection: Connection;
  readonly answer: Head;
  /** Removes the listener of the request's signal. */
  readonly letGo: () => void;
}

/** The peer may have closed an idle connection just now; then a new one is used. */
async function send(request: HttpRequest, settings: ConnectSettings, pool: Pool): Promise<Sent> {
  for (;;) {
    const rested = await pool.take(request.url.origin);
    const connection = rested ?? (await openConnection(request.url, settings, request.signal));
    const abort = () => connection.destroy(request.signal?.reason);
    const letGo = () => request.signal?.removeEventListener('abort', abort);
    request.signal?.addEventListener('abort', abort, { once: true });
    const state = { received: false };
    try {
      request.signal?.throwIfAborted();
      connection.send(requestText(request));
      return { connection, letGo, answer: await readHead(connection, settings.readTimeoutMs, state) };
    } catch (error) {
      letGo();
      connection.destroy();
      if (rested === undefined || state.received || request.signal?.aborted === true) throw error;
    }
  }
}

function requestText(request: HttpRequest): string {
  const { method, url, headers } = request;
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `${method} ${requestTarget(request)} HTTP/1.1\r\nhost: ${url.host}\r\n${fields.join('')}\r\n`;
  // Headers were validated when they were made; this is the last check for line breaks.
  if (
    /[\r\n\0]/.test(fields.join('').replaceAll('\r\n', ' ')) ||
    fields.some((field) => field.indexOf('\r\n') !== field.length - 2)
  )
    throw new Error('A request header contains a line break.');
  return text;
}

async function readHead(
  connection: Connection,
  timeoutMs: number,
  state: { received: boolean },
): Promise<Head> {
  const startedMs = performance.now();
  const collector = collectHead();
  let rest: Uint8Array = Buffer.alloc(0);
  for (;;) {
    const found = collector.take(rest);
    if (found !== undefined) {
      ({ rest } = found);
      const head = parseHead(found.bytes);
      if (head === undefined || head.status === 101) throw notHttp();
      if (head.status >= 200) return { head, rest };
      // Skips 1xx.
      continue;
    }
    if (timeoutMs > 0 && performance.now() - startedMs > timeoutMs)
      throw Object.assign(new Error('no header in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' });
    const chunk = await connection.read();
    if (chunk === undefined)
      throw Object.assign(new Error('closed before an answer'), { code: 'ECONNRESET' });
    state.received = true;
    rest = chunk;
  }
}

async function* readBody(
  connection: Connection,
  { head, rest }: Head,
  request: HttpRequest,
): AsyncGenerator<Uint8Array> {
  const wanted = head.bodyBytes ?? 0;
  let received = 0;
  if (rest.length > 0) {
    received = rest.length;
    yield rest.subarray(0, wanted);
  }
  while (received < wanted) {
    const chunk = await nextChunk(connection, request);
    if (chunk === undefined)
      throw truncated(describeRequest(request), `${received} of ${wanted} bytes arrived`);
    received += chunk.length;
    if (received > wanted) {
      // More bytes than announced make the connection unusable.
      yield chunk.subarray(0, chunk.length - (received - wanted));
      connection.destroy();
      return;
    }
    yield chunk;
  }
}

async function nextChunk(connection: Connection, request: HttpRequest): Promise<Uint8Array | undefined> {
  try {
    return await connection.read();
  } catch (error) {
    throw networkError(error, request, 'body');
  }
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _chunk of stream);
  } catch {
    // The connection is closed, and the bytes are not needed.
  }
}

function openPool(): Pool {
  const resting = new Map<string, Connection[]>();
  let closed = false;
  return {
    async take(origin) {
      const connections = resting.get(origin) ?? [];
      for (let connection = connections.pop(); connection !== undefined; connection = connections.pop()) {
        if (await connection.wake()) return connection;
        connection.destroy();
      }
      return undefined;
    },
    give(origin, connection) {
      const connections = resting.get(origin) ?? [];
      resting.set(origin, connections);
      connection.rest(idleMs);
      if (closed || connections.length >= idlePerOrigin) return connection.destroy();
      connections.push(connection);
    },
    close() {
      closed = true;
      for (const connections of resting.values()) for (const connection of connections) connection.destroy();
      resting.clear();
    },
  };
}
