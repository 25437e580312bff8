import pg from 'pg';
import { expect, test } from 'vitest';
import { createEmptyDatabase } from '../support/servers/servers.ts';
import { until } from '../support/until.ts';

test('each test database is empty, and gone soon after drop', async () => {
  const database = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  const tables = await client.query("select 1 from pg_tables where schemaname = 'public'");
  expect(tables.rows).toEqual([]);
  await database.drop();
  await until(async () => (await refusalOf(database.url)) === '3D000');
});

/** The code of the error with which the database lets nobody in. */
async function refusalOf(connectionString: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
