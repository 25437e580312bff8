import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerBase } from './base.ts';
import { answerBlob } from './blobs.ts';
import { answerCatalog } from './catalog.ts';
import { refuse, sendError, toFailure } from './error.ts';
import type { DistributionDependencies, Exchange } from './exchange.ts';
import { answerManifest } from './manifests.ts';
import { isDistributionUrl, parseTarget } from './parse-path.ts';
import type { DistributionPath } from './parse-path.ts';
import { answerReferrers } from './referrers.ts';
import { answerTags } from './tags.ts';

/** For Fastify's `rewriteUrl`: its router decodes paths, so it sees only that an address is ours; `parseTarget` reads the real one. */
export function hideDistributionPath(url: string): string {
  return isDistributionUrl(url) ? '/v2/' : url;
}

/** The OCI Distribution API 1.1 at `/v2/`, pull only; it reads the database and the blob store, and waits for nothing else. */
export function serveDistribution(app: FastifyInstance, api: DistributionDependencies): void {
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/v2/',
    // before a body is read
    onRequest: async (request, reply) => {
      reply.header('docker-distribution-api-version', 'registry/2.0');
      const { path } = parseTarget(request.originalUrl);
      if (!isRead(request.method) || path.resource === 'upload') refuseWrite(reply);
    },
    handler: async (request, reply) => {
      const { path, query } = parseTarget(request.originalUrl);
      return answer({ request, reply, query, em: api.database.em.fork(), api }, path);
    },
    errorHandler: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      void sendError(reply, toFailure(error, request, api)),
  });
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function answer(exchange: Exchange, path: DistributionPath): FastifyReply | Promise<FastifyReply> {
  switch (path.resource) {
    case 'base':
      return answerBase(exchange);
    case 'catalog':
      return answerCatalog(exchange);
    case 'tags':
      return answerTags(exchange, path.name);
    case 'manifest':
      return answerManifest(exchange, path);
    case 'blob':
      return answerBlob(exchange, path);
    case 'referrers':
      return answerReferrers(exchange, path);
    case 'upload':
      return refuseWrite(exchange.reply);
  }
}

function refuseWrite(reply: FastifyReply): never {
  // the body that may follow is not read
  reply.headers({ allow: 'GET, HEAD', connection: 'close' });
  throw refuse(
    'UNSUPPORTED',
    'This registry serves pulls; pushing to it and deleting in it are not served yet.',
  );
}
