/** The PostgreSQL and Temporal servers that test/support/servers/global-setup.ts started for this whole run. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { expectNoSecret, secretMarkers } from '../test-secret.ts';

export interface TestServers {
  /** A superuser's URL; tests work in databases of their own, see `createTestDatabase`. */
  readonly databaseUrl: string;
  /** `host:port`; its namespace is `default`. Tests keep apart by task queue and workflow id. */
  readonly temporalAddress: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    tidemarkServers: TestServers;
    /** Where the longest turns of the event loop are noted. */
    stallLog: string;
    /** Path of the workflows' code, bundled once for the run. */
    workflowBundle: string;
  }
}

export function testServers(): TestServers {
  return inject('tidemarkServers');
}

export interface TestDatabase {
  readonly url: string;
  /** Removes it in its own time, with the connections that are still open. @throws where a test's secret is in a table. */
  drop(): Promise<void>;
}

/** Has all migrations; databases are cloned from it. */
export const templateName = 'migrated';

/** A database of its own with all migrations, and an id of its own at Temporal. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const database = await createDatabase(`template ${templateName}`);
  await runStatement(
    database.url,
    "update installation set id = left(replace(gen_random_uuid()::text, '-', ''), 12)",
  );
  return database;
}

/** The caller applies the migrations. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('');
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const { databaseUrl } = testServers();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runStatement(databaseUrl, `create database ${name} ${options}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      try {
        await searchTables(url.href);
      } finally {
        // nobody needs to wait for that: the server goes away with the run
        void runStatement(databaseUrl, `drop database if exists ${name} with (force)`).catch(() => undefined);
      }
    },
  };
}

/** Bytes are in hexadecimal in a row's text. */
async function searchTables(url: string): Promise<void> {
  const patterns = secretMarkers.map((text) => `%${text}%`);
  await withClient(url, async (client) => {
    // they may hold locks, and have no use for them any more
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    const tables = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    if (tables.rows.length === 0) return;
    const searches = tables.rows.map(
      ({ name }) =>
        `select '${name}' as name, line from (select row_to_json(t)::text as line from ${name} t) as rows where line like any ($1)`,
    );
    const found = await client.query<{ name: string; line: string }>(
      `${searches.join(' union all ')} limit 1`,
      [patterns],
    );
    for (const { name, line } of found.rows) expectNoSecret(line, `the table ${name}`);
  });
}

async function runStatement(url: string, sql: string): Promise<void> {
  await withClient(url, (client) => client.query(sql));
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // what is under way when the server stops fails as a statement
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
