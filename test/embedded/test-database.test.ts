import pg from 'pg';
import { expect, test } from 'vitest';
import { createEmptyDatabase } from '../support/servers/servers.ts';

test('each test database is empty, and gone after drop', async () => {
  const database = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  const tables = await client.query("select 1 from pg_tables where schemaname = 'public'");
  expect(tables.rows).toEqual([]);
  await database.drop();
  const again = new pg.Client({ connectionString: database.url });
  await expect(again.connect()).rejects.toMatchObject({ code: '3D000' });
});
