/** The API on a real port, over a database of its own and the run's Temporal server; no worker takes the tasks. */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { noLogins } from '../../../src/access/login-settings.ts';
import type { LoginSettings } from '../../../src/access/login-settings.ts';
import { createSecretBox } from '../../../src/access/secrets.ts';
import type { SecretBox } from '../../../src/access/secrets.ts';
import type { ApiConfig, ApiDependencies, UpstreamReader } from '../../../src/api/dependencies.ts';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import type { WorkflowStarter } from '../../../src/operations/workflows.ts';
import { createMemoryStore } from '../../content/memory-store.ts';
import { openDatabase } from '../../../src/db/open-database.ts';
import type { Database } from '../../../src/db/open-database.ts';
import { createTestDatabase, testServers } from '../servers/servers.ts';
import type { TestDatabase } from '../servers/servers.ts';
import { expectNoSecret } from '../test-secret.ts';
import { keepLog, listenApi, noUpstreams } from './listen-api.ts';
import type { ListeningApi } from './listen-api.ts';

export interface ApiUnderTest extends ListeningApi {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly secrets: SecretBox;
  readonly client: Client;
  readonly taskQueue: string;
  readonly workflows: WorkflowStarter;
  /** All that was logged so far. */
  readonly logged: () => string;
  /** A statement, past the API. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** How many statements the database gets while `work` runs. */
  countStatements(work: () => Promise<unknown>): Promise<number>;
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
  /** Default: a new one with all migrations. */
  readonly testDatabase?: TestDatabase;
  /** Where Temporal is looked for; default: the run's server. */
  readonly temporalAddress?: string;
}

const refuse = () => Promise.reject(new Error('This test has no folder for uploads.'));
const noUploads: ApiDependencies['uploads'] = {
  create: refuse,
  sizeOf: refuse,
  append: refuse,
  finish: refuse,
  isMoved: refuse,
  cancel: refuse,
};

export async function startApi(options: ApiOptions = {}): Promise<ApiUnderTest> {
  const testDatabase = options.testDatabase ?? (await createTestDatabase());
  const database = await openDatabase({ url: testDatabase.url, poolSize: 8 });
  const connection = Connection.lazy({ address: options.temporalAddress ?? testServers().temporalAddress });
  const client = new Client({ connection });
  const taskQueue = `api-test-${randomBytes(4).toString('hex')}`;
  const workflows = createWorkflowClient({ client, taskQueue });
  const { logger, logged } = keepLog();
  const secrets = createSecretBox([randomBytes(32)]);
  const api = await listenApi({
    database,
    workflows,
    secrets,
    logins: options.logins ?? noLogins,
    config: options.config,
    blobs: options.blobs ?? createMemoryStore(),
    upstreams: options.upstreams ?? noUpstreams,
    uploads: options.uploads ?? noUploads,
    checkStore: options.checkStore,
    logger,
  });
  const pool = new pg.Pool({ connectionString: testDatabase.url, max: 2 });
  return {
    ...api,
    database,
    databaseUrl: testDatabase.url,
    secrets,
    client,
    taskQueue,
    workflows,
    logged,
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
      await api.close();
      await connection.close();
      await pool.end();
      await database.close();
      await testDatabase.drop();
      expectNoSecret(logged(), 'the log of the API');
    },
  };
}

/**
 * Counts what goes through the driver, whoever sends it. The counts of pulls are left out, because they are written at any time, and so is the
 * first statement of a new session.
 */
function countQueries(): { count: () => number; stop: () => void } {
  // oxlint-disable-next-line typescript/unbound-method
  const { query } = pg.Client.prototype;
  let count = 0;
  pg.Client.prototype.query = function counted(this: pg.Client, ...parameters: unknown[]): unknown {
    const text = textOf(parameters[0]);
    if (!text.includes('pull_day') && !text.includes('set_config(name')) count += 1;
    return Reflect.apply(query, this, parameters);
  } as typeof query;
  return {
    count: () => count,
    stop: () => {
      pg.Client.prototype.query = query;
    },
  };
}

function textOf(query: unknown): string {
  return typeof query === 'string' ? query : ((query as { readonly text?: string } | null)?.text ?? '');
}
