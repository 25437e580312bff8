/** The API on a real port, over a database of its own and the run's Temporal server; no worker takes the tasks. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { pino } from 'pino';
import { createAccess, noLogins } from '../../../src/access/access.ts';
import type { LoginSettings } from '../../../src/access/access.ts';
import { createSecretBox } from '../../../src/access/secrets.ts';
import type { SecretBox } from '../../../src/access/secrets.ts';
import { createSignatureChecks } from '../../../src/upstream/check-signatures.ts';
import type { ApiConfig, ApiDependencies, UpstreamReader } from '../../../src/api/dependencies.ts';
import { createAccessLog } from '../../../src/api/access-log.ts';
import { createApi } from '../../../src/api/server.ts';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import type { WorkflowStarter } from '../../../src/operations/workflows.ts';
import { createMemoryStore } from '../../content/memory-store.ts';
import { openDatabase } from '../../../src/db/open-database.ts';
import type { Database } from '../../../src/db/open-database.ts';
import { startUp } from '../watch/allow-stalls.ts';
import { askGraphql } from './graphql.ts';
import type { GraphqlAnswer } from './graphql.ts';
import { createTestDatabase, testServers } from '../servers/servers.ts';
import { expectNoSecret } from '../test-secret.ts';

export interface ApiUnderTest {
  readonly url: string;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly secrets: SecretBox;
  readonly client: Client;
  readonly taskQueue: string;
  readonly workflows: WorkflowStarter;
  /** Each address that is served, with its method: `GET /healthz`. */
  readonly routes: readonly string[];
  /** All that was logged so far. */
  readonly logged: () => string;
  /** The lines of the access log so far. */
  readonly accessed: () => Record<string, unknown>[];
  /** @param token Shown as Bearer; default: none. */
  graphql(query: string, variables?: object, token?: string): Promise<GraphqlAnswer>;
  /** A statement, past the API. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** How many statements the database gets while `work` runs. */
  countStatements(work: () => Promise<unknown>): Promise<number>;
  close(): Promise<void>;
}

export interface ApiOptions {
  readonly config?: Partial<ApiConfig>;
  /** Default: an empty store in memory. */
  readonly blobs?: ApiDependencies['blobs'];
  /** Default: nothing can be fetched. */
  readonly upstreams?: UpstreamReader;
  /** Default: none can be made. */
  readonly uploads?: ApiDependencies['uploads'];
  readonly checkStore?: () => Promise<void>;
  /** Default: none are asked for. */
  readonly logins?: LoginSettings;
  /** Where Temporal is looked for; default: the run's server. */
  readonly temporalAddress?: string;
}

const refuse = () => Promise.reject(new Error('This test has no folder for uploads.'));
const noUploads: ApiDependencies['uploads'] = {
  create: refuse,
  sizeOf: refuse,
  append: refuse,
  finish: refuse,
  cancel: refuse,
};

/** For tests that fetch nothing on demand. */
export const noUpstreams: UpstreamReader = {
  openBlob: () => Promise.reject(new Error('This test has no upstream.')),
  pullManifest: () => Promise.reject(new Error('This test has no upstream.')),
  testRemote: () => Promise.resolve({ steps: [] }),
};

export async function startApi(options: ApiOptions = {}): Promise<ApiUnderTest> {
  const testDatabase = await createTestDatabase();
  const database = await openDatabase({ url: testDatabase.url, poolSize: 8 });
  const connection = Connection.lazy({ address: options.temporalAddress ?? testServers().temporalAddress });
  const client = new Client({ connection });
  const taskQueue = `api-test-${randomBytes(4).toString('hex')}`;
  const workflows = createWorkflowClient({ client, taskQueue });
  const lines: string[] = [];
  const accessLines: string[] = [];
  const secrets = createSecretBox([randomBytes(32)]);
  const blobs = options.blobs ?? createMemoryStore();
  const app = await startUp(() =>
    createApi({
      database,
      workflows,
      secrets,
      access: createAccess({
        database,
        secrets,
        logins: options.logins ?? noLogins,
      }),
      config: {
        host: '127.0.0.1',
        allowPrivate: true,
        allowUpstream: [],
        temporalUiUrl: undefined,
        temporalNamespace: 'default',
        manifestMaxBytes: 4 * 1024 * 1024,
        version: '0.0.0-test',
        ...options.config,
      },
      blobs,
      upstreams: options.upstreams ?? noUpstreams,
      uploads: options.uploads ?? noUploads,
      signatures: createSignatureChecks({ database, store: blobs }),
      checkStore: options.checkStore ?? (() => Promise.resolve()),
      logger: pino({ level: 'trace' }, { write: (line) => void lines.push(line) }),
      accessLog: createAccessLog({ write: (line) => void accessLines.push(line) }),
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const pool = new pg.Pool({ connectionString: testDatabase.url, max: 2 });
  return {
    url,
    database,
    databaseUrl: testDatabase.url,
    secrets,
    client,
    taskQueue,
    workflows,
    routes: listRoutes(app.printRoutes({ commonPrefix: false })),
    logged: () => lines.join(''),
    accessed: () => accessLines.map((line) => JSON.parse(line) as Record<string, unknown>),
    graphql: (...request) => askGraphql(url, ...request),
    sql: async (text, values) => (await pool.query<Record<string, unknown>>(text, [...(values ?? [])])).rows,
    countStatements: async (work) => {
      const counter = countQueries();
      try {
        await work();
      } finally {
        counter.stop();
      }
      return counter.count();
    },
    async close() {
      await app.close();
      await connection.close();
      await pool.end();
      await database.close();
      await testDatabase.drop();
      expectNoSecret(lines.join(''), 'the log of the API');
      expectNoSecret(accessLines.join(''), 'the access log');
    },
  };
}

/** Fastify's tree of routes, a line each, as addresses with their methods. */
function listRoutes(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ├└─]*)(\S+) \(([A-Z, ]+)\)/u.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    parents.splice(depth - 1, Infinity, part);
    const path = parents.join('').replace(/^\/+/, '/');
    return methods.split(', ').map((method) => `${method} ${path}`);
  });
}

/** Counts what goes through the driver, whoever sends it. */
function countQueries(): { count: () => number; stop: () => void } {
  // oxlint-disable-next-line typescript/unbound-method
  const { query } = pg.Client.prototype;
  let count = 0;
  pg.Client.prototype.query = function counted(this: pg.Client, ...parameters: unknown[]): unknown {
    count += 1;
    return Reflect.apply(query, this, parameters);
  } as typeof query;
  return {
    count: () => count,
    stop: () => {
      pg.Client.prototype.query = query;
    },
  };
}
