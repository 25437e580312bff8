import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { executePrepared } from '../../src/db/connection/prepared.ts';
import { kysely } from '../../src/db/sql.ts';
import { until } from '../support/until.ts';
import { createEmptyDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createEmptyDatabase();
  database = await openDatabase({ url: testDatabase.url, poolSize: 1 });
  await sql`create table thing (name text)`.execute(kysely(em()));
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const em = () => database.em.fork();
const find = (one = em(), name = 'a') =>
  executePrepared(one, sql<{ name: string }>`select name from thing where name = ${name}`);

async function countPrepared(): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*)::int as count from pg_prepared_statements where statement like '%from thing%' and statement like 'select name%'`.execute(
    kysely(em()),
  );
  return found.rows[0]?.count ?? 0;
}

test('a connection prepares a statement once, whatever its values', async () => {
  await sql`insert into thing values ('a'), ('b')`.execute(kysely(em()));
  expect(await find()).toEqual([{ name: 'a' }]);
  expect(await find(em(), 'b')).toEqual([{ name: 'b' }]);
  expect(await find(em(), 'c')).toEqual([]);
  expect(await countPrepared()).toBe(1);
});

test('in a transaction it sees what the transaction wrote', async () => {
  const own = em();
  await own.transactional(async (inside) => {
    await sql`insert into thing values ('in')`.execute(kysely(inside));
    expect(await find(inside, 'in')).toEqual([{ name: 'in' }]);
  });
});

test('an error leaves the connection usable, and a lost connection is replaced', async () => {
  await expect(executePrepared(em(), sql<object>`select 1 / ${0}::int as broken`)).rejects.toMatchObject({
    code: '22012',
  });
  await sql`select pg_terminate_backend(pg_backend_pid())`.execute(kysely(em())).catch(() => undefined);
  // until the pool has seen its end, it may be given out once more, by Kysely too
  await until(async () => (await find().catch(() => [])).length === 1);
  expect(await countPrepared()).toBe(1);
});
