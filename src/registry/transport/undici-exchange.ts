import type { Dispatcher } from 'undici';
import type { WatchedConnection, WatchingHandler } from './watched-agent.ts';
import { requestTarget } from './exchange.ts';
import type { HttpHeaders, HttpRequest, HttpResponse } from './exchange.ts';
import { networkError } from './network-error.ts';

/** This many unread bytes pause the connection. */
const waitingMaxBytes = 64 * 1024;
const discardMaxBytes = 64 * 1024;
const closedCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** The server had closed an idle connection, and answered nothing: the request can be sent again on another one. */
export class StaleConnection extends Error {}

/** The received part of an answer. */
interface Arrival {
  readonly chunks: Buffer[];
  waitingBytes: number;
  state: 'coming' | 'ended' | 'failed';
  failure?: unknown;
  /** The rest will not be read. */
  isUnwanted: boolean;
  /** The waiting reader. */
  wake?: (() => void) | undefined;
}

/**
 * Sends one request through undici's handler API: its streams would double the cost of a small answer.
 * @throws undici's errors; the signal's reason, also while the request waits for a connection; `StaleConnection`.
 */
export function exchangeThroughUndici(
  dispatcher: Dispatcher,
  request: HttpRequest,
  throughProxy: boolean,
): Promise<HttpResponse> {
  const { url, method, headers, body, signal } = request;
  return new Promise<HttpResponse>((resolve, reject) => {
    signal?.throwIfAborted();
    const arrival: Arrival = { chunks: [], waitingBytes: 0, state: 'coming', isUnwanted: false };
    let controller: Dispatcher.DispatchController | undefined;
    const abort = () => {
      reject(signal?.reason as Error);
      controller?.abort(signal?.reason as Error);
    };
    const settle = (state: 'ended' | 'failed', failure?: unknown) => {
      signal?.removeEventListener('abort', abort);
      arrival.state = state;
      arrival.failure = failure;
      arrival.wake?.();
    };
    signal?.addEventListener('abort', abort, { once: true });
    const options = { origin: url.origin, path: requestTarget(request), method, headers, body: body ?? null };
    let connection: WatchedConnection | undefined;
    const handler: WatchingHandler = {
      onConnection(taken) {
        connection = taken;
      },
      onRequestStart(started) {
        controller = started;
        if (signal?.aborted === true) started.abort(signal.reason as Error);
      },
      onResponseStart(started, status, fields) {
        // Skips 1xx.
        if (status >= 200)
          resolve(responseOf(arrival, started, { request, status, headers: fields, throughProxy }));
      },
      onResponseData: (started, chunk) => takeChunk(arrival, started, chunk),
      onResponseEnd() {
        connection?.rest();
        // undici frees the connection in an immediate of its own, which is queued first. Later requests then find it idle.
        queueMicrotask(() => setImmediate(settle, 'ended'));
      },
      onResponseError(_, error) {
        const isStale = isClosed(error) && connection?.isUntouched() === true && signal?.aborted !== true;
        settle('failed', error);
        reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
      },
    };
    // Without `reset`, HEAD closes its connection.
    dispatcher.dispatch({ ...options, reset: false }, handler);
  });
}

function takeChunk(arrival: Arrival, controller: Dispatcher.DispatchController, chunk: Buffer): void {
  arrival.waitingBytes += chunk.byteLength;
  if (arrival.isUnwanted) {
    if (arrival.waitingBytes > discardMaxBytes)
      controller.abort(new Error('The rest of the body is not needed.'));
    return;
  }
  arrival.chunks.push(chunk);
  if (arrival.waitingBytes > waitingMaxBytes) controller.pause();
  arrival.wake?.();
}

/** A timeout is not meant: it has used the time of its request. */
function isClosed(error: Error): boolean {
  return 'code' in error && closedCodes.has(String(error.code));
}

interface Answer {
  readonly request: HttpRequest;
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly throughProxy: boolean;
}

function responseOf(
  arrival: Arrival,
  controller: Dispatcher.DispatchController,
  { request, status, headers, throughProxy }: Answer,
): HttpResponse {
  const more = () =>
    new Promise<void>((resolve) => {
      arrival.wake = resolve;
    });

  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = arrival.chunks.shift();
        if (chunk !== undefined) {
          arrival.waitingBytes -= chunk.byteLength;
          yield chunk;
        } else if (arrival.state === 'failed')
          throw networkError(arrival.failure, request, 'body', throughProxy);
        else if (arrival.state === 'ended') return;
        else {
          const waiting = more();
          controller.resume();
          await waiting;
        }
      }
    } finally {
      if (arrival.state === 'coming') controller.abort(new Error('The rest of the body is not needed.'));
    }
  }

  return {
    status,
    headers,
    url: request.url,
    body: body(),
    async discard() {
      arrival.isUnwanted = true;
      arrival.chunks.length = 0;
      arrival.waitingBytes = 0;
      controller.resume();
      while (arrival.state === 'coming') await more();
    },
  };
}
