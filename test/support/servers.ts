/** The PostgreSQL and Temporal servers that test/support/global-setup.ts started for this whole run. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestServers {
  /** A superuser's URL; tests work in databases of their own, see `createTestDatabase`. */
  readonly databaseUrl: string;
  /** `host:port`; its namespace is `default`. Tests keep apart by task queue and workflow id. */
  readonly temporalAddress: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    tidemarkServers: TestServers;
  }
}

export function testServers(): TestServers {
  return inject('tidemarkServers');
}

export interface TestDatabase {
  readonly url: string;
  /** Removes it, with the connections that are still open. */
  drop(): Promise<void>;
}

/** An empty database of its own; the caller applies the migrations. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { databaseUrl } = testServers();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runStatement(databaseUrl, `create database ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => runStatement(databaseUrl, `drop database if exists ${name} with (force)`),
  };
}

async function runStatement(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
