import type { FastifyInstance } from 'fastify';
import { pingDatabase } from '../db/connection/ping-database.ts';
import { forbidden } from '../access/field-rules.ts';
import { may } from '../access/viewer.ts';
import type { ApiDependencies } from './dependencies.ts';
import { identifyCaller } from './graphql/context.ts';
import { printContractSchema } from './graphql/build-schema.ts';
import { printFileSchema } from './graphql/configuration/file-schema.ts';
import { createMetricsPrinter } from './metrics.ts';
import type { ConsolePages } from './web/console-pages.ts';
import { indexPage } from './web/index-page.ts';

const checkMs = 3_000;

/**
 * `/` (the web console, or links in a build without it), `/healthz` (the process), `/readyz` (database and blob store) and the schemas are open: they reveal nothing of the content.
 * `/metrics` does. With logins on it requires the role reader for everything.
 */
export function serveStatus(
  app: FastifyInstance,
  api: ApiDependencies,
  pages: ConsolePages | undefined,
): void {
  app.get('/', (request, reply) =>
    pages === undefined
      ? reply
          .type('text/html; charset=utf-8')
          .send(indexPage({ temporalUiUrl: api.access.isOn ? undefined : api.config.temporalUiUrl }))
      : pages.sendIndex(request, reply),
  );
  const schema = once(printContractSchema);
  app.get('/graphql/schema', (_request, reply) => reply.type('text/plain; charset=utf-8').send(schema()));
  const fileSchema = once(printFileSchema);
  app.get('/schema/tidemark.schema.json', (_request, reply) =>
    reply.type('application/schema+json; charset=utf-8').send(fileSchema()),
  );
  app.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const [database, blobStore] = await Promise.all([
      runCheck(api, 'database', () => pingDatabase(api.database.em.fork())),
      runCheck(api, 'blobStore', api.checkStore),
    ]);
    const isReady = database === 'ok' && blobStore === 'ok';
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ok' : 'failed', checks: { database, blobStore } });
  });
  const printMetrics = createMetricsPrinter(api);
  app.get('/metrics', async (request, reply) => {
    const { viewer } = await identifyCaller(api, {
      authorization: request.headers.authorization,
      session: undefined,
    });
    if (!may(viewer, 'reader', '*')) throw forbidden('/metrics needs the role reader for "*".');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await printMetrics());
  });
}

/** The reason of a failed check is only logged: it may contain paths and addresses. */
async function runCheck(
  api: ApiDependencies,
  name: string,
  check: () => Promise<void>,
): Promise<'ok' | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkMs} ms`)), checkMs);
  });
  try {
    await Promise.race([check(), late]);
    return 'ok';
  } catch (error) {
    api.logger.warn({ err: error, check: name }, 'a readiness check failed');
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}

/** Printed at the first request. */
function once(print: () => string): () => string {
  let text: string | undefined;
  return () => (text ??= print());
}
