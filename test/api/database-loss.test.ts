import { afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { testServers } from '../support/servers/servers.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
let operator: pg.Client;
beforeAll(async () => {
  api = await startApi();
  operator = new pg.Client({ connectionString: testServers().databaseUrl });
  await operator.connect();
});
afterAll(async () => {
  await operator.end();
  await api.close();
});

const databaseName = (): string => new URL(api.databaseUrl).pathname.slice(1);

async function dropConnections(): Promise<void> {
  await operator.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'tidemark'",
    [databaseName()],
  );
}

test('fault 105: after its connections were cut the API goes on by itself', async () => {
  await Promise.all(
    Array.from({ length: 5 }, () => api.graphql('{ repositories(first: 1) { totalCount } }')),
  );
  await dropConnections();
  await expect
    .poll(async () => (await api.graphql('{ repositories(first: 1) { totalCount } }')).errors)
    .toBeUndefined();
});

test('fault 105: a pull waits for a database that is back within seconds', async () => {
  await operator.query(`alter database ${databaseName()} with allow_connections false`);
  await dropConnections();
  const pulled = fetch(`${api.url}/v2/team/shop/manifests/latest`);
  await expect.poll(() => api.logged()).toContain('pulls wait for the database');
  await operator.query(`alter database ${databaseName()} with allow_connections true`);
  expect((await pulled).status).toBe(404);
});

test('fault 106: while the database takes nobody, requests are SERVICE_UNAVAILABLE and readiness is false', async () => {
  await operator.query(`alter database ${databaseName()} with allow_connections false`);
  try {
    await dropConnections();
    // the first request may still meet a connection that is being cut
    const answers = [
      await api.graphql('{ remotes(first: 1) { totalCount } }'),
      await api.graphql('{ repositories(first: 1) { nodes { remote { name } } } }'),
    ];
    for (const { errors, text } of answers) {
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      expect(text).not.toContain(databaseName());
    }
    const pulled = await fetch(`${api.url}/v2/team/shop/manifests/latest`);
    expect([pulled.status, await pulled.json()]).toMatchObject([503, { errors: [{ code: 'UNAVAILABLE' }] }]);
    expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${api.url}/metrics`)).text()).toContain('tidemark_database_up 0');
  } finally {
    await operator.query(`alter database ${databaseName()} with allow_connections true`);
  }
  expect((await api.graphql('{ remotes(first: 1) { totalCount } }')).errors).toBeUndefined();
});
