import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createBlobLocks } from '../../db/content/blob-lock.ts';
import { authorise, challenge } from './authorise.ts';
import { answerBase } from './base.ts';
import { answerBlob } from './blobs.ts';
import { answerCatalog } from './catalog.ts';
import { sendError, toFailure } from './error.ts';
import type { DistributionDependencies, Exchange } from './exchange.ts';
import { answerManifest } from './manifests.ts';
import { isDistributionUrl, parseTarget } from './parse-path.ts';
import type { DistributionPath } from './parse-path.ts';
import { answerPush, isPush } from './push/push.ts';
import type { Push } from './push/push.ts';
import { answerReferrers } from './referrers.ts';
import { answerSignatures } from './signatures.ts';
import { answerTags } from './tags.ts';

/** For Fastify's `rewriteUrl`: its router decodes paths, so it sees only that an address is ours; `parseTarget` reads the real one. */
export function hideDistributionPath(url: string): string {
  return isDistributionUrl(url) ? '/v2/' : url;
}

/** How long a request waits for another one that writes to the same upload. */
const maxWaitMs = 30_000;

/** The OCI Distribution API 1.1 at `/v2/`; it reads and writes the database and the blob store, and waits for nothing else. */
export function serveDistribution(app: FastifyInstance, api: DistributionDependencies): void {
  const push = preparePush(app, api);
  const admitted = new WeakMap<FastifyRequest, () => FastifyReply | Promise<FastifyReply>>();
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/v2/',
    onRequest: async (request, reply) => {
      reply.header('docker-distribution-api-version', 'registry/2.0');
      const { path, query } = parseTarget(request.originalUrl);
      const client = await api.access.identifyClient(request.headers.authorization);
      api.accessLog?.noteLogin(request.raw, client.viewer);
      const exchange = { request, reply, query, em: api.database.em.fork(), client, api };
      const writes = isPush(request.method, path);
      authorise(exchange, path, writes);
      if (!writes) return void admitted.set(request, () => answer(exchange, path));
      // here, before Fastify looks at a body: it streams, and may have any type
      await answerPush(exchange, push, path);
      return reply;
    },
    handler: async (request) => admitted.get(request)?.(),
    errorHandler: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // a body that nobody wants is not waited for (fault 68)
      if (!request.raw.complete) reply.header('connection', 'close');
      const failure = toFailure(error, request, api);
      if (failure.status === 401 && !reply.hasHeader('www-authenticate'))
        reply.header('www-authenticate', challenge(request, api, { error: 'invalid_token' }));
      void sendError(reply, failure);
    },
  });
}

function preparePush(app: FastifyInstance, api: DistributionDependencies): Push {
  const locks = createBlobLocks(api.database.config.get('clientUrl') ?? '');
  const writes = new Set<Promise<unknown>>();
  app.addHook('onClose', async () => {
    // their connections may be gone; what came is written down, and goes on after the restart (fault 115)
    await Promise.allSettled(writes);
    await locks.close();
  });
  async function tracked<T>(write: Promise<T>): Promise<T> {
    writes.add(write);
    try {
      return await write;
    } finally {
      writes.delete(write);
    }
  }
  return {
    uploads: api.uploads,
    manifestMaxBytes: api.config.manifestMaxBytes,
    alone: (key, work) => tracked(locks.withLock(key, AbortSignal.timeout(maxWaitMs), work)),
    guarded: (key, work) => tracked(locks.withShared(key, AbortSignal.timeout(maxWaitMs), work)),
  };
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
    case 'signatures':
      return answerSignatures(exchange, path);
    case 'upload':
      throw new Error('Uploads are answered before.');
  }
}
