import { upstreamEvents } from '../../telemetry/events.ts';
import type { UpstreamRequest } from '../../telemetry/events.ts';
import { describePath } from './exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';

const { began, answered, received, ended } = upstreamEvents;

/** Publishes what happens to each request, while there is a subscriber. */
export function observed(exchange: Exchange): Exchange {
  return async (request) => {
    if (!began.hasSubscribers && !answered.hasSubscribers) return exchange(request);
    const event = describe(request);
    const begunAt = performance.now();
    const note = (): void => {
      event.headSeconds = (performance.now() - begunAt) / 1_000;
    };
    began.publish(event);
    try {
      const response = await exchange(request);
      note();
      event.status = response.status;
      answered.publish(event);
      return watchBody(response, event);
    } catch (error) {
      note();
      event.error = error;
      ended.publish(event);
      throw error;
    }
  };
}

function describe({ method, url }: HttpRequest): UpstreamRequest {
  return { method, host: url.host, path: describePath(url), headSeconds: 0, bodyBytes: 0, chunkBytes: 0 };
}

function watchBody(response: HttpResponse, event: UpstreamRequest): HttpResponse {
  let isOpen = true;
  const end = (error?: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    if (error !== undefined) event.error = error;
    ended.publish(event);
  };
  return {
    ...response,
    body: {
      [Symbol.asyncIterator]: () => watchChunks(response.body[Symbol.asyncIterator](), event, end),
    },
    async discard() {
      try {
        await response.discard();
      } finally {
        end();
      }
    },
  };
}

/** No generator: that would cost more for each chunk. */
function watchChunks(
  chunks: AsyncIterator<Uint8Array>,
  event: UpstreamRequest,
  end: (error?: unknown) => void,
): AsyncIterator<Uint8Array> {
  return {
    async next() {
      try {
        const result = await chunks.next();
        if (result.done === true) end();
        else {
          event.chunkBytes = result.value.byteLength;
          event.bodyBytes += event.chunkBytes;
          received.publish(event);
        }
        return result;
      } catch (error) {
        end(error);
        throw error;
      }
    },
    async return() {
      try {
        return (await chunks.return?.()) ?? { done: true, value: undefined };
      } finally {
        end();
      }
    },
  };
}
