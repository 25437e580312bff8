import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { finishListing, readNames, stageNames } from '../../src/db/staging/stage-names.ts';
import { createTestDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';
import { insertSyncTask } from '../support/sync/insert-mirror.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({ url: testDatabase.url });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const em = () => database.em.fork();

const createTask = (name: string) => insertSyncTask(database.em.fork(), name);

/** One page of one attempt's list. */
const stage = (taskId: number, listing: number, firstPosition: number, names: readonly string[]) =>
  stageNames(em(), { taskId, listing }, { firstPosition, names });

test('fault 96: an earlier attempt at the list that ends late takes nothing from the one that counts', async () => {
  const taskId = await createTask('late/end');
  await stage(taskId, 1, 0, ['a', 'b']);
  await stage(taskId, 2, 0, ['a', 'b']);
  await stage(taskId, 2, 2, ['c']);
  expect(await finishListing(em(), { taskId, listing: 2 })).toEqual({ tags: 3, positions: 3 });
  await stage(taskId, 1, 2, ['c', 'd']);
  await expect(finishListing(em(), { taskId, listing: 1 })).rejects.toMatchObject({
    code: 'LISTING_REPLACED',
  });
  expect(await readNames(em(), taskId, 0, 9)).toEqual(['a', 'b', 'c']);
});

test('fault 96: an earlier attempt that ends while the next one lists leaves the pages of that one', async () => {
  const taskId = await createTask('late/middle');
  await stage(taskId, 1, 0, ['a', 'b', 'c']);
  await stage(taskId, 2, 0, ['a', 'b']);
  expect(await finishListing(em(), { taskId, listing: 1 })).toEqual({ tags: 3, positions: 3 });
  await stage(taskId, 2, 2, ['c']);
  expect(await finishListing(em(), { taskId, listing: 2 })).toEqual({ tags: 3, positions: 3 });
  expect(await readNames(em(), taskId, 0, 9)).toEqual(['a', 'b', 'c']);
});

test('a name that is listed twice has two positions; a list of nothing counts', async () => {
  const taskId = await createTask('twice');
  expect(await finishListing(em(), { taskId, listing: 1 })).toEqual({ tags: 0, positions: 0 });
  await stage(taskId, 2, 0, ['a', 'b']);
  await stage(taskId, 2, 2, ['b', 'c']);
  expect(await finishListing(em(), { taskId, listing: 2 })).toEqual({ tags: 3, positions: 4 });
});

test('a page of many names is read in parts', async () => {
  const taskId = await createTask('large');
  const names = Array.from({ length: 2_500 }, (_, number) => `v${number}`);
  await stage(taskId, 1, 0, names);
  expect(await finishListing(em(), { taskId, listing: 1 })).toEqual({ tags: 2_500, positions: 2_500 });
  expect(await readNames(em(), taskId, 0, 2_500)).toEqual(names);
  expect(await readNames(em(), taskId, 990, 2_010)).toEqual(names.slice(990, 2_010));
});

test('names are read by their positions, within a page and across pages', async () => {
  const taskId = await createTask('positions');
  const pages = [['a', 'b', 'c'], ['d'], ['e', 'f']];
  let position = 0;
  for (const page of pages) {
    await stage(taskId, 1, position, page);
    position += page.length;
  }
  await finishListing(em(), { taskId, listing: 1 });
  const all = pages.flat();
  for (let from = 0; from <= all.length; from += 1)
    for (let to = from; to <= all.length + 1; to += 1)
      expect(await readNames(em(), taskId, from, to)).toEqual(all.slice(from, to));
});
