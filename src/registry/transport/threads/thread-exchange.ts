import type { LookupAddress } from 'node:dns';
import { chooseThread, noteOwner } from '../../../threads/download-threads.ts';
import type { DownloadThread } from '../../../threads/download-threads.ts';
import { openCalls } from '../../../threads/thread-calls.ts';
import type { ThreadCalls } from '../../../threads/thread-calls.ts';
import type { ConnectSettings } from '../connect-settings.ts';
import type { HttpRequest, HttpResponse } from '../exchange.ts';
import type { TlsOptions } from '../../registry.ts';
import type { GuardService, ServedTransport, TransportService } from './services.ts';

/** GET requests with large answers, over sockets of download threads. */
export interface ThreadExchange {
  /** Undefined if the answer is chunked or encoded: this thread must send the request. */
  exchange(request: HttpRequest): Promise<HttpResponse | undefined>;
  close(): void;
}

export interface ThreadSettings extends Omit<ConnectSettings, 'tls'> {
  readonly tls: TlsOptions;
}

type Calls = ThreadCalls<TransportService>;

export function openThreadExchange(settings: ThreadSettings): ThreadExchange {
  const { connectTimeoutMs, readTimeoutMs, tls } = settings;
  const opened = new Map<DownloadThread, Calls>();
  let ids = 0;

  function callsOf(thread: DownloadThread): Calls {
    const known = opened.get(thread);
    if (known !== undefined) return known;
    const input: ServedTransport = { connectTimeoutMs, readTimeoutMs, tls };
    const guard = guardOf(settings);
    const calls: Calls = openCalls(thread.open('transport', input), guard, () => opened.delete(thread));
    opened.set(thread, calls);
    return calls;
  }

  return {
    async exchange(request) {
      const thread = chooseThread();
      const calls = callsOf(thread);
      const id = ++ids;
      const { method, url, target, headers, signal } = request;
      signal?.throwIfAborted();
      thread.bodies += 1;
      let isOpen = true;
      const letGo = (): void => {
        if (!isOpen) return;
        isOpen = false;
        thread.bodies -= 1;
        signal?.removeEventListener('abort', abort);
      };
      // A body that nobody reads any more is let go, too.
      const abort = (): void => {
        letGo();
        calls.call('cancel', { id }).catch(() => undefined);
      };
      signal?.addEventListener('abort', abort, { once: true });
      try {
        const answer = await calls.call('exchange', { id, method, url: url.href, target, headers });
        if (answer !== undefined) return responseOf(request, answer, { calls, id, thread, letGo });
        letGo();
        return undefined;
      } catch (error) {
        letGo();
        throw error;
      }
    },
    close() {
      for (const calls of opened.values()) calls.close();
    },
  };
}

interface OpenBody {
  readonly calls: Calls;
  readonly id: number;
  readonly thread: DownloadThread;
  readonly letGo: () => void;
}

function responseOf(
  { url, signal }: HttpRequest,
  answer: Pick<HttpResponse, 'status' | 'headers'>,
  { calls, id, thread, letGo }: OpenBody,
): HttpResponse {
  async function* body(): AsyncGenerator<Uint8Array> {
    let hasEnded = false;
    try {
      for (;;) {
        const chunk = await calls.call('read', { id });
        // A body that was cancelled meanwhile has ended, too.
        signal?.throwIfAborted();
        if (chunk === undefined) break;
        noteOwner(chunk.buffer, thread);
        yield chunk;
      }
      hasEnded = true;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      letGo();
      if (!hasEnded) calls.call('cancel', { id }).catch(() => undefined);
    }
  }
  return {
    ...answer,
    url,
    body: body(),
    async discard() {
      try {
        await calls.call('discard', { id });
      } finally {
        letGo();
      }
    },
  };
}

function guardOf({ lookup, admit }: Pick<ConnectSettings, 'lookup' | 'admit'>): GuardService {
  return {
    lookup: ({ hostname, ...options }) =>
      new Promise((resolve, reject) => {
        lookup(hostname, { ...options, all: true }, (error, addresses) => {
          if (error !== null) reject(error);
          else resolve(addresses as unknown as readonly LookupAddress[]);
        });
      }),
    admit: ({ address, name }) => admit(address, name),
  };
}
