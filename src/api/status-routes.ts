import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { taskStates } from '../db/entities.ts';
import { countTasksByState } from '../db/read-tasks.ts';
import { kysely } from '../db/sql.ts';
import { forbidden } from '../access/field-rules.ts';
import { may } from '../access/viewer.ts';
import type { ApiDependencies } from './dependencies.ts';
import { identifyCaller } from './graphql/context.ts';
import { printContractSchema } from './graphql/build-schema.ts';
import { indexPage } from './web/index-page.ts';

const checkMs = 3_000;

/**
 * `/`, `/healthz` (the process), `/readyz` (database and blob store), and the schema are open: they tell nothing of what is stored.
 * `/metrics` does: where logins are on, those with the role reader for everything get it.
 */
export function serveStatus(app: FastifyInstance, api: ApiDependencies): void {
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(indexPage({ temporalUiUrl: api.access.isOn ? undefined : api.config.temporalUiUrl })),
  );
  app.get('/graphql/schema', (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(printContractSchema()),
  );
  app.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const [database, blobStore] = await Promise.all([
      runCheck(
        api,
        'database',
        async () => void (await sql`select 1`.execute(kysely(api.database.em.fork()))),
      ),
      runCheck(api, 'blobStore', api.checkStore),
    ]);
    const isReady = database === 'ok' && blobStore === 'ok';
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ok' : 'failed', checks: { database, blobStore } });
  });
  app.get('/metrics', async (request, reply) => {
    const { viewer } = await identifyCaller(api, request.headers.authorization);
    if (!may(viewer, 'reader', '*')) throw forbidden('/metrics needs the role reader for "*".');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics(api));
  });
}

/** Why a check failed stands in the log only: it may name paths and addresses. */
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

/** Prometheus' text format. */
async function metrics(api: ApiDependencies): Promise<string> {
  const tasks = await countTasksByState(api.database.em.fork()).catch(() => undefined);
  const memory = process.memoryUsage();
  const lines = [
    ...metric('tidemark_build_info', 'gauge', 'The program that runs.', [[`{node="${process.version}"}`, 1]]),
    ...metric('tidemark_database_up', 'gauge', 'Whether the database answers.', [
      ['', tasks === undefined ? 0 : 1],
    ]),
    ...(tasks === undefined
      ? []
      : metric(
          'tidemark_tasks',
          'gauge',
          'Tasks by state.',
          taskStates.map((state) => [`{state="${state}"}`, tasks.get(state) ?? 0]),
        )),
    ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', memory.rss]]),
    ...metric('nodejs_heap_used_bytes', 'gauge', "Memory in use on V8's heap.", [['', memory.heapUsed]]),
    ...metric('nodejs_external_memory_bytes', 'gauge', "Memory outside of V8's heap.", [
      ['', memory.external],
    ]),
    ...metric('process_start_time_seconds', 'gauge', 'When the process started.', [
      ['', Math.round(Date.now() / 1_000 - process.uptime())],
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function metric(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: readonly (readonly [labels: string, value: number])[],
): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
