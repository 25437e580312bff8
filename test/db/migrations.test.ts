/** Migrations: listed in the order of their numbers, and each is run that a database lacks, also one that came late. */
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkSchema, migrateDatabase, openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { listSources } from '../support/import-graph.ts';
import { createEmptyDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createEmptyDatabase();
  database = await openDatabase({ url: testDatabase.url });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const executed = async (): Promise<string[]> =>
  (await database.migrator.getExecuted()).map(({ name }) => name);

test('each file of the folder is listed, in the order of its number, and run so', async () => {
  const files = listSources('src/db/migrations').map((path) => basename(path, '.ts'));
  const pending = (await database.migrator.getPending()).map(({ name }) => name);
  expect(pending).toEqual(files.sort());
  await migrateDatabase(database);
  expect(await executed()).toEqual(files);
});

test('one that came after others of higher numbers is run on a database that has those', async () => {
  await database.em.execute(
    "drop table access_session, access_grant, access_token; delete from migration where name = '0002-access'",
  );
  await expect(checkSchema(database)).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED' });
  await migrateDatabase(database);
  await checkSchema(database);
  expect((await executed()).sort()).toContain('0002-access');
  await database.em.execute('select count(*) from access_grant join access_token on true');
});
