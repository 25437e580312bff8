import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { commitVersion } from '../../src/db/versions/commit-version.ts';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { finishListing, stageNames } from '../../src/db/staging/stage-names.ts';
import { startTask } from '../../src/db/tasks/start-task.ts';
import { createTaskEndings } from '../../src/db/tasks/task-endings.ts';
import { finishTask } from '../../src/db/tasks/tasks.ts';
import { createTestDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';
import { insertSyncTask } from '../support/sync/insert-mirror.ts';
import { until } from '../support/until.ts';

let testDatabase: TestDatabase;
let database: Database;
let admin: pg.Client;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({ url: testDatabase.url });
  admin = new pg.Client({ connectionString: testDatabase.url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.close();
  await testDatabase.drop();
});

let taskId: number;
let sequence = 0;
beforeEach(async () => {
  sequence += 1;
  taskId = await insertSyncTask(database.em.fork(), `task/${sequence}`);
  // a first sync that takes nothing fails: the repository has a version already
  const none = { blobs: 0, manifests: 0, tags: 0, signatures: 0 };
  await admin.query(
    `with synced as (update repository r set latest = 1 from task where task.id = $1 and r.id = task.repository_id returning r.id)
     insert into repository_version (repository_id, number, counts) select id, 1, $2 from synced`,
    [taskId, JSON.stringify({ present: none, added: none, removed: none })],
  );
});

const em = () => database.em.fork();

/** Processes of PostgreSQL that listen for endings in this database. */
async function findListeners(): Promise<number[]> {
  const found = await admin.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = current_database() and application_name = 'tidemark task endings' and query like 'listen%' and state = 'idle'",
  );
  return found.rows.map(({ pid }) => pid);
}

test('the end of a task is notified after its commit; a listener reconnects', async () => {
  const heard: number[] = [];
  const endings = createTaskEndings(database, (ended) => heard.push(ended));
  try {
    endings.listen();
    await until(async () => (await findListeners()).length === 1);
    await finishTask(em(), taskId, { state: 'FAILED', code: 'TEST', message: 'said so' });
    await until(() => heard.includes(taskId));

    const [broken = 0] = await findListeners();
    await admin.query('select pg_terminate_backend($1)', [broken]);
    await until(async () => {
      endings.listen();
      return (await findListeners()).some((pid) => pid !== broken);
    });
    await admin.query("select pg_notify('tidemark_task_ended', '77')");
    await until(() => heard.includes(77));
    expect(heard).toEqual([taskId, 77]);
  } finally {
    await endings.close();
  }
  expect(await findListeners()).toEqual([]);
});

test('a commit tells of its task; one that is rolled back does not', async () => {
  const heard: number[] = [];
  const endings = createTaskEndings(database, (ended) => heard.push(ended));
  try {
    endings.listen();
    await until(async () => (await findListeners()).length === 1);
    await startTask(em(), taskId, { syncsPerHost: 9 });
    const broken = em().transactional(async (transaction) => {
      await finishTask(transaction, taskId, { state: 'CANCELED' });
      throw new Error('on purpose');
    });
    await expect(broken).rejects.toThrow('on purpose');
    expect(await commitVersion(em(), taskId)).toEqual({ createdVersion: null });
    await until(() => heard.length > 0);
    await admin.query("select pg_notify('tidemark_task_ended', '78')");
    await until(() => heard.includes(78));
    expect(heard).toEqual([taskId, 78]);
  } finally {
    await endings.close();
  }
});

test('fault 96: an attempt whose list another has replaced commits nothing', async () => {
  await startTask(em(), taskId, { syncsPerHost: 9 });
  for (const listing of [1, 2]) {
    await stageNames(em(), { taskId, listing }, { firstPosition: 0, names: ['latest'] });
    await finishListing(em(), { taskId, listing });
  }
  await expect(commitVersion(em(), taskId, { listing: 1 })).rejects.toMatchObject({
    code: 'LISTING_REPLACED',
  });
  const found = await admin.query('select state from task where id = $1', [taskId]);
  expect(found.rows).toEqual([{ state: 'RUNNING' }]);
  expect(await commitVersion(em(), taskId, { listing: 2 })).toEqual({ createdVersion: null });
  // what the late one stages after that is gone with its own try to commit
  await stageNames(em(), { taskId, listing: 1 }, { firstPosition: 0, names: ['late'] });
  expect(await commitVersion(em(), taskId, { listing: 1 })).toEqual({ createdVersion: null });
  const staged = await admin.query('select from sync_name where task_id = $1', [taskId]);
  expect(staged.rowCount).toBe(0);
});
