import { randomUUID } from 'node:crypto';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';
import type { ApiDependencies } from './dependencies.ts';
import { isForDockerHub } from './distribution/docker-hub.ts';
import { sendError } from './distribution/error.ts';
import { isDistributionUrl } from './distribution/parse-path.ts';
import { hideDistributionPath, serveDistribution } from './distribution/serve-distribution.ts';
import { serveTokens } from './distribution/token.ts';
import { drainConnections } from './drain.ts';
import { serveEventStreams } from './event-stream.ts';
import { buildApiSchema } from './graphql/build-schema.ts';
import { createTrace } from './graphql/context.ts';
import { toClientError } from './graphql/errors.ts';
import type { ErrorTrace } from './graphql/errors.ts';
import { checkParameters } from './graphql/parameters.ts';
import { serveGraphql } from './graphql-http.ts';
import { checkHost } from './host-guard.ts';
import { serveSockets } from './sockets/socket-transport.ts';
import { serveSessions } from './session/session-routes.ts';
import { serveStatus } from './status-routes.ts';
import { createTaskWatch } from './task-watch.ts';
import { watchServed } from './watch-served.ts';
import { serveConsole } from './web/console-pages.ts';
import type { ConsolePages } from './web/console-pages.ts';

const bodyMaxBytes = 1024 * 1024;
const requestMaxMs = 30_000;

/** Builds the API without listening. `close()` ends open sockets and streams, and gives requests in flight 5 s to finish. */
export async function createApi(api: ApiDependencies): Promise<FastifyInstance> {
  // Widened: otherwise Fastify includes the logger in the server's type.
  const loggerInstance: FastifyBaseLogger = api.logger;
  const app = Fastify({
    bodyLimit: bodyMaxBytes,
    // Slow clients: the header must arrive within 10 s (Node's own limit, see below), the whole request within 30 s, except uploads.
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    genReqId: () => randomUUID(),
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 300 },
    rewriteUrl: ({ url = '/' }) => hideDistributionPath(url),
  });
  app.server.headersTimeout = 10_000;
  const schema = buildApiSchema();
  const taskWatch = createTaskWatch(api.database, api.logger);
  app.removeContentTypeParser('text/plain');
  guardRequests(app, api);
  const pages = await serveConsole(app, api.config.webFolder);
  answerErrors(app, api, pages);
  serveStatus(app, api, pages);
  serveSessions(app, api);
  serveDistribution(app, api);
  serveTokens(app, api);
  const apollo = await serveGraphql(app, { schema, api, taskWatch });
  serveEventStreams(app, { schema, api, taskWatch });
  const sockets = serveSockets(app.server, { schema, api, taskWatch });
  app.addHook('preClose', async () => {
    drainConnections(app.server);
    await Promise.all([taskWatch.close(), sockets.close()]);
  });
  app.addHook('onClose', () => apollo.stop());
  return app;
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function guardRequests(app: FastifyInstance, api: ApiDependencies): void {
  const { accessLog } = api;
  // Before any hook that may refuse the request.
  app.addHook('onRequest', async (request, reply) => {
    watchServed(request, reply.raw);
    if (isDistributionUrl(request.originalUrl)) accessLog?.watch(request, reply.raw);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const refusal = checkHost(request.headers, api.config);
    if (refusal === undefined) return undefined;
    return isDistributionUrl(request.originalUrl)
      ? sendError(reply, { ...refusal, code: 'DENIED' })
      : reply.code(refusal.status).send(errorBody('BAD_REQUEST', refusal.message));
  });
  app.addHook('onRequest', async (request, reply) => {
    const isOpen = isDistributionUrl(request.originalUrl) || request.url.split('?', 1)[0] === '/token';
    if (isOpen || !isForDockerHub(request.raw, api.config)) return undefined;
    return reply.code(404).send(errorBody('NOT_FOUND', "This address serves Docker Hub's images only."));
  });
  app.addHook('onRequest', async ({ raw, originalUrl }) => {
    // An upload has no time limit; `/v2/` enforces an idle timeout.
    if (isDistributionUrl(originalUrl)) return;
    const timer = setTimeout(() => {
      if (!raw.complete) raw.destroy();
    }, requestMaxMs);
    timer.unref();
    raw.once('close', () => clearTimeout(timer));
  });
  app.addHook('preParsing', async (request, reply) => {
    const message = checkParameters(request.originalUrl);
    if (message !== undefined) return void reply.code(400).send(errorBody('BAD_REQUEST', message));
    return undefined;
  });
  app.addHook('preParsing', async (request, reply) => {
    if (isDistributionUrl(request.originalUrl)) return undefined;
    const message = refuseEncoding(request);
    if (message !== undefined) return void reply.code(415).send(errorBody('BAD_REQUEST', message));
    return undefined;
  });
}

/** A body is uncompressed JSON in UTF-8 (fault 88). */
function refuseEncoding({ headers }: FastifyRequest): string | undefined {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    return 'The body has a Content-Encoding; expected plain JSON.';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset)
    ? undefined
    : 'The body is not in UTF-8; expected content-type: application/json; charset=utf-8.';
}

/** Errors outside of GraphQL, in its format. Internal details are not exposed (fault 89). */
function answerErrors(app: FastifyInstance, api: ApiDependencies, pages: ConsolePages | undefined): void {
  app.setNotFoundHandler((request, reply) =>
    pages?.isPage(request) === true
      ? pages.sendIndex(request, reply)
      : reply.code(404).send(errorBody('NOT_FOUND', 'There is nothing at this address.')),
  );
  app.setErrorHandler((error: FastifyError | TidemarkError, request, reply) => {
    if (isTidemarkError(error)) return answerTidemarkError(error, reply, createTrace(api, request.id));
    const status = error.statusCode ?? 500;
    if (status < 400 || status >= 500) {
      api.logger.error({ correlationId: request.id, err: error }, 'a request failed');
      const message = `Something went wrong in the server. Its log says what, under ${request.id}.`;
      return reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', message));
    }
    return reply.code(status).send(errorBody('BAD_REQUEST', explainStatus(status)));
  });
}

const statusOf = new Map([
  ['BAD_REQUEST', 400],
  ['UNAUTHENTICATED', 401],
  ['FORBIDDEN', 403],
]);

/** For an invalid login, or one that cannot be verified now. */
function answerTidemarkError(error: TidemarkError, reply: FastifyReply, trace: ErrorTrace): FastifyReply {
  const { code } = error;
  const status = statusOf.get(code) ?? (error.retryable ? 503 : 500);
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="tidemark"');
  return reply.code(status).send({ errors: [toClientError(error, trace)] });
}

function explainStatus(status: number): string {
  if (status === 413)
    return `The body has more than ${bodyMaxBytes} bytes, which is the most that is accepted.`;
  if (status === 415) return 'The body has another type than JSON; expected content-type: application/json.';
  return 'The request cannot be read; expected a JSON object with query, and variables and operationName as needed.';
}

function errorBody(code: string, message: string): { errors: readonly object[] } {
  return { errors: [{ message, extensions: { code } }] };
}
