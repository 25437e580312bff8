import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateDatabase, openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { addWarnings, readWarnings } from '../../src/db/tasks/task-warnings.ts';
import { createTestDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';
import { insertSyncTask } from '../support/sync/insert-mirror.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({ url: testDatabase.url });
  await migrateDatabase(database);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const em = () => database.em.fork();
const unsigned = (name: string) => ({
  message: `The tag "${name}" is not verified: it has no signature.`,
  name,
  differs: [`"${name}"`],
});
const read = async (taskId: number): Promise<string[] | undefined> => (await readWarnings(em(), [taskId]))[0];

test('fifty warnings that differ in a name are one, with some names and a count; attempts repeat them', async () => {
  const taskId = await insertSyncTask(database.em.fork(), 'alike/fifty');
  const names = Array.from({ length: 50 }, (_, at) => `v${at + 1}`);
  await addWarnings(em(), taskId, ['something else']);
  for (const part of [names.slice(0, 20), names.slice(0, 20), names.slice(20), names])
    await addWarnings(em(), taskId, part.map(unsigned));
  expect(await read(taskId)).toEqual([
    'something else',
    'The tag "v1" is not verified: it has no signature. The same holds for 49 more: v2, v3, v4, v5, v6, v7, v8, v9, v10, v11 and 39 others.',
  ]);
});

test('two are told without others, one as it is, and what says something else by itself', async () => {
  const taskId = await insertSyncTask(database.em.fork(), 'alike/few');
  await addWarnings(em(), taskId, [unsigned('a')]);
  expect(await read(taskId)).toEqual([unsigned('a').message]);
  await addWarnings(em(), taskId, [unsigned('b'), { ...unsigned('c'), message: 'The tag "c" is odd.' }]);
  expect(await read(taskId)).toEqual([
    `${unsigned('a').message} The same holds for 1 more: b.`,
    'The tag "c" is odd.',
  ]);
});

test('after the first hundred of different kinds a last one says that there were more', async () => {
  const taskId = await insertSyncTask(database.em.fork(), 'alike/many');
  const messages = Array.from({ length: 150 }, (_, at) => `${at}`);
  for (const part of [messages.slice(0, 90), messages]) await addWarnings(em(), taskId, part);
  const warnings = await read(taskId);
  expect(warnings).toHaveLength(101);
  expect(warnings?.at(-1)).toContain('only the first 100');
});
