import type { LookupAddress } from 'node:dns';
import type { MessagePort } from 'node:worker_threads';
import type { LookupFunction } from 'node:net';
import { openCalls } from '../../../threads/thread-calls.ts';
import type { ThreadCalls } from '../../../threads/thread-calls.ts';
import type { HttpRequest } from '../exchange.ts';
import { tlsSettings } from '../connect-settings.ts';
import { networkError } from '../network-error.ts';
import { gatherChunks } from './gather-chunks.ts';
import { openSocketExchange } from '../sockets/socket-exchange.ts';
import type { GuardService, ServedTransport, TransportService } from './services.ts';

interface Body {
  readonly request: HttpRequest;
  readonly controller: AbortController;
  chunks: AsyncIterator<Uint8Array> | undefined;
  discard: () => Promise<void>;
}

/** Sends requests over sockets of this thread. Addresses are resolved and checked on the other side. */
export function serveTransport(port: MessagePort, { tls, ...timeouts }: ServedTransport): void {
  const bodies = new Map<number, Body>();
  const service: TransportService = {
    async exchange({ id, url, ...sent }) {
      const controller = new AbortController();
      const request: HttpRequest = { ...sent, url: new URL(url), signal: controller.signal };
      const body: Body = { request, controller, chunks: undefined, discard: async () => undefined };
      bodies.set(id, body);
      try {
        const response = await sockets.exchange(request);
        if (response === undefined) {
          bodies.delete(id);
          return undefined;
        }
        body.chunks = gatherChunks(response.body)[Symbol.asyncIterator]();
        body.discard = () => response.discard();
        return { status: response.status, headers: { ...response.headers } };
      } catch (error) {
        bodies.delete(id);
        throw networkError(error, request, 'header');
      }
    },
    async read({ id }) {
      const next = await bodies.get(id)?.chunks?.next();
      if (next?.done === false) return next.value;
      bodies.delete(id);
      return undefined;
    },
    async discard({ id }) {
      const body = bodies.get(id);
      bodies.delete(id);
      await body?.discard();
    },
    cancel({ id }) {
      const body = bodies.get(id);
      bodies.delete(id);
      body?.controller.abort();
      body?.chunks?.return?.().catch(() => undefined);
    },
  };
  const calls = openCalls<GuardService>(port, service, () => sockets.close());
  const sockets = openSocketExchange({
    ...timeouts,
    lookup: (...asked) => void resolveElsewhere(calls, asked),
    tls: tlsSettings(tls),
    admit: (address, name) => calls.call('admit', { address, name }),
  });
}

async function resolveElsewhere(
  calls: ThreadCalls<GuardService>,
  [hostname, { family, hints, all }, callback]: Parameters<LookupFunction>,
): Promise<void> {
  let addresses: LookupAddress[];
  try {
    addresses = [...(await calls.call('lookup', { hostname, family, hints }))];
  } catch (error) {
    return callback(error as Error, '', 0);
  }
  const [first] = addresses;
  if (all === true || first === undefined) callback(null, addresses);
  else callback(null, first.address, first.family);
}
