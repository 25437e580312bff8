import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { requestServed } from '../telemetry/events.ts';
import type { ServedRequest } from '../telemetry/events.ts';
import { isDistributionUrl } from './distribution/parse-path.ts';

const resources = new Map([
  ['manifests', 'manifest'],
  ['blobs', 'blob'],
  ['uploads', 'blob'],
  ['tags', 'tags'],
  ['referrers', 'referrers'],
]);

/** Publishes a request once its response has ended, while there is a subscriber. */
export function watchServed(request: FastifyRequest, response: ServerResponse): void {
  const area = areaOf(request);
  if (area === undefined || !requestServed.hasSubscribers) return;
  const begun = performance.now();
  const { socket } = request;
  const sentBefore = socket.bytesWritten;
  response.once('close', () => {
    requestServed.publish({
      area,
      resource: resourceOf(request),
      status: response.statusCode,
      isAborted: !response.writableFinished,
      bytes: Math.max(0, socket.bytesWritten - sentBefore),
      seconds: (performance.now() - begun) / 1_000,
    });
  });
}

function areaOf({ originalUrl, method }: FastifyRequest): ServedRequest['area'] | undefined {
  if (isDistributionUrl(originalUrl)) return method === 'GET' || method === 'HEAD' ? 'pull' : 'push';
  return originalUrl === '/graphql' || originalUrl.startsWith('/graphql?') ? 'graphql' : undefined;
}

/** The part before the last one: a name may have any parts. */
function resourceOf({ originalUrl }: FastifyRequest): string {
  const parts = (originalUrl.split('?', 1)[0] ?? '').split('/');
  return resources.get(parts.at(-2) ?? '') ?? 'other';
}
