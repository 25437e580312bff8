import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorise, challenge } from './authorise.ts';
import { answerBase } from './pull/base.ts';
import { answerBlob } from './pull/blobs.ts';
import { answerTagChanges } from './pull/changes.ts';
import { answerCatalog } from './pull/catalog.ts';
import { createDatabaseWait } from './database-wait.ts';
import { sendError, toFailure } from './error.ts';
import { prefixFor } from './docker-hub.ts';
import type { DistributionDependencies, Exchange } from './exchange.ts';
import { answerManifest } from './pull/manifests.ts';
import { isDistributionUrl, parseTarget } from './parse-path.ts';
import { leadToNamespace } from './proxied-name.ts';
import { answerPush, isPush } from './push/push.ts';
import { createUploadLocks } from './push/upload-locks.ts';
import { answerReferrers } from './pull/referrers.ts';
import { answerSignatures } from './pull/signatures.ts';
import { answerTagDigests, answerTags } from './pull/tags.ts';

/** For Fastify's `rewriteUrl`. Its router decodes paths, so it sees `/v2/` only; `parseTarget` reads the original URL. */
export function hideDistributionPath(url: string): string {
  return isDistributionUrl(url) ? '/v2/' : url;
}

/** The OCI Distribution API 1.1 at `/v2/`. It reads and writes the database and the blob store, and never waits for Temporal. */
export function serveDistribution(app: FastifyInstance, api: DistributionDependencies): void {
  const locks = createUploadLocks(app, api.database.config.get('clientUrl') ?? '');
  const awaitDatabase = createDatabaseWait(api);
  app.decorateRequest('exchange');
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/v2/',
    onRequest: async (request, reply) => {
      reply.header('docker-distribution-api-version', 'registry/2.0');
      const prefix = prefixFor(request, api.config);
      const target = parseTarget(request.originalUrl, prefix);
      const em = api.database.em.fork();
      const [client, led] = await awaitDatabase(async () => [
        await api.access.identifyClient(request.headers.authorization),
        await leadToNamespace(em, request.method, target),
      ]);
      if (led !== undefined) reply.header('oci-namespace', led.asked.namespace);
      const { path, query } = { ...target, ...led };
      const exchange: Exchange = {
        request,
        reply,
        path,
        asked: led?.asked,
        prefix,
        query,
        em,
        client,
        api,
        locks,
      };
      request.setDecorator('exchange', exchange);
      const writes = isPush(request.method, path);
      authorise(exchange, writes);
      if (!writes) return;
      // Here, before Fastify parses a body: a push streams its body, which may have any type.
      await answerPush(exchange);
      return reply;
    },
    handler: (request) =>
      awaitDatabase(async () => {
        const exchange = request.getDecorator<Exchange>('exchange');
        return answer({ ...exchange, em: api.database.em.fork() });
      }),
    errorHandler: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // The rest of a refused body is not awaited (fault 68).
      if (!request.raw.complete) reply.header('connection', 'close');
      const failure = toFailure(error, request, api);
      if (failure.status === 401 && !reply.hasHeader('www-authenticate'))
        reply.header('www-authenticate', challenge(request, api, { error: 'invalid_token' }));
      void sendError(reply, failure);
    },
  });
}

function answer(exchange: Exchange): FastifyReply | Promise<FastifyReply> {
  const { path } = exchange;
  switch (path.resource) {
    case 'base':
      return answerBase(exchange);
    case 'catalog':
      return answerCatalog(exchange);
    case 'tags':
      return answerTags(exchange, path.name);
    case 'tag digests':
      return answerTagDigests(exchange, path.name);
    case 'tag changes':
      return answerTagChanges(exchange, path.name);
    case 'manifest':
      return answerManifest(exchange, path);
    case 'blob':
      return answerBlob(exchange, path);
    case 'referrers':
      return answerReferrers(exchange, path);
    case 'signatures':
      return answerSignatures(exchange, path);
    case 'upload':
      throw new Error('Uploads are answered in onRequest.');
  }
}
