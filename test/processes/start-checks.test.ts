/** What a role checks before it starts: the schema of the database, and the keys of the stored secrets. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { createSecretBox, parseSecretKeys } from '../../src/access/secrets.ts';
import { createTaskQueueClaim } from '../../src/api/own-task-queue.ts';
import { loadConfig } from '../../src/config.ts';
import { Remote } from '../../src/db/schema/remotes.ts';
import { readInstallation } from '../../src/db/tasks/installation.ts';
import { checkSchema, migrateDatabase, openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import { openSecretBox } from '../../src/processes/checks/check-secrets.ts';
import { createEmptyDatabase, testServers } from '../support/servers/servers.ts';
import { until } from '../support/until.ts';
import { launch } from '../support/program/program.ts';
import { testSecret } from '../support/test-secret.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

async function newDatabase(): Promise<{ url: string; database: Database }> {
  const { url, ...created } = await createEmptyDatabase();
  closers.push(() => created.drop());
  const database = await openDatabase({ url, poolSize: 2 });
  closers.push(() => database.close(true));
  return { url, database };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-checks-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function settingsFor(url: string): Promise<Record<string, string>> {
  const { temporalAddress } = testServers();
  return {
    DATABASE_URL: url,
    TEMPORAL_ADDRESS: temporalAddress,
    TIDEMARK_DATA: await newFolder(),
    TIDEMARK_TASK_QUEUE: `checks-${randomBytes(6).toString('hex')}`,
    TIDEMARK_PORT: '0',
  };
}

test('fault 107: a role refuses a database without migrations and names the command; four concurrent migrations succeed', async () => {
  const { url, database } = await newDatabase();
  const settings = await settingsFor(url);
  const early = launch(['serve'], settings);
  expect(await early.ended()).toBe(1);
  expect(early.output()).toMatch(/SCHEMA_OUTDATED: .*Run "tidemark migrate"/);

  const migrating = Array.from({ length: 4 }, () => launch(['migrate'], settings));
  expect(await Promise.all(migrating.map((program) => program.ended()))).toEqual([0, 0, 0, 0]);
  await checkSchema(database);
  const runs = await sql<{ count: number }>`select count(*) as count from migration`.execute(
    kysely(database.em.fork()),
  );
  const applied = migrating.flatMap((program) => program.output().match(/Applied [\w-]+/g) ?? []);
  expect(new Set(applied).size).toBe(runs.rows[0]?.count);
});

test('a process refuses the task queue of another installation at its start, and the claim does not change', async () => {
  const { url, database } = await newDatabase();
  await migrateDatabase(database);
  const settings = await settingsFor(url);
  const taskQueue = settings['TIDEMARK_TASK_QUEUE'] ?? '';
  const connection = await Connection.connect({ address: testServers().temporalAddress });
  closers.push(() => connection.close());
  const client = new Client({ connection });
  const other = createTaskQueueClaim({ client, taskQueue, installation: 'aaaaaaaaaaaa' });
  await other();
  const program = launch(['serve'], settings);
  expect(await program.ended()).toBe(1);
  const own = await readInstallation(database.em.fork());
  expect(program.output()).toMatch(
    new RegExp(`TASK_QUEUE_TAKEN: .*"${taskQueue}".* aaaaaaaaaaaa; .*${own}.*TIDEMARK_TASK_QUEUE`),
  );
  await createTaskQueueClaim({ client, taskQueue, installation: 'aaaaaaaaaaaa' })();
});

test('fault 107: every role and migrate refuse the database of a newer release, and leave it unchanged', async () => {
  const { url, database } = await newDatabase();
  await migrateDatabase(database);
  await database.em.execute(`insert into migration (name) values ('9999-from-the-future')`);
  const before = await database.em.execute('select name from migration order by id');
  const settings = await settingsFor(url);
  for (const role of ['api', 'migrate']) {
    const program = launch([role], settings);
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(/SCHEMA_UNKNOWN: .*9999-from-the-future.*Start that newer version/);
  }
  expect(await database.em.execute('select name from migration order by id')).toEqual(before);
});

test('fault 107: a killed migration is rolled back, and the next one succeeds', async () => {
  const { url, database } = await newDatabase();
  await database.migrator.up({ to: '0004-repositories' });
  const em = database.em.fork();
  await em.execute(`insert into repository (name) values ('kept/one'), ('kept/two')`);
  const settings = await settingsFor(url);
  const blocker = new pg.Client({ connectionString: url });
  await blocker.connect();
  closers.push(() => blocker.end());
  // what comes later refers to this table, and has to wait
  await blocker.query('begin; lock table repository in access exclusive mode');
  const killed = launch(['migrate'], settings);
  const waiting = `select from pg_locks where not granted and relation = 'repository'::regclass`;
  await until(async () => (await blocker.query(waiting)).rowCount === 1);
  expect(await killed.end('SIGKILL')).toBe(null);
  await blocker.query('rollback');

  const done = await em.execute<{ name: string }[]>('select name from migration order by id');
  expect(done.map(({ name }) => name).at(-1)).toBe('0004-repositories');
  expect(await launch(['migrate'], settings).ended()).toBe(0);
  await checkSchema(database);
  expect(await em.execute('select name from repository order by 1')).toEqual([
    { name: 'kept/one' },
    { name: 'kept/two' },
  ]);
});

async function withStoredSecrets() {
  const { url, database } = await newDatabase();
  await migrateDatabase(database);
  const key = randomBytes(32);
  const box = createSecretBox([key]);
  const em = database.em.fork();
  for (const name of ['a', 'b']) {
    const sealed = box.encrypt(testSecret(name), name);
    const remote = { name, url: 'https://r.example', upstreamName: 'a/b', username: 'u' };
    em.create(Remote, { ...remote, passwordSealed: sealed, headersSealed: sealed });
  }
  await em.flush();
  const dataDir = await newFolder();
  const open = (env: Record<string, string> = {}) =>
    openSecretBox(loadConfig({ TIDEMARK_DATA: dataDir, ...env }), database.em.fork());
  return { url, key, box, dataDir, open };
}

test('fault 108: no process starts without the key of the stored secrets, and no new key is created', async () => {
  const { url, box, dataDir, open } = await withStoredSecrets();
  const [keyId = ''] = box.keyIds;
  await expect(open()).rejects.toMatchObject({
    code: 'SECRET_KEY_UNKNOWN',
    message: expect.stringMatching(
      new RegExp(`2 remote.*${keyId}.*secret\\.key.*backup.*TIDEMARK_SECRET_KEY`),
    ),
  });
  await expect(access(join(dataDir, 'secret.key'))).rejects.toMatchObject({ code: 'ENOENT' });

  const wrong = randomBytes(32).toString('base64');
  await expect(open({ TIDEMARK_SECRET_KEY: wrong })).rejects.toMatchObject({
    code: 'SECRET_KEY_UNKNOWN',
    message: expect.not.stringContaining(wrong),
  });
  const role = launch(['serve'], { ...(await settingsFor(url)), TIDEMARK_SECRET_KEY: wrong });
  expect(await role.ended()).toBe(1);
  expect(role.output()).toMatch(new RegExp(`SECRET_KEY_UNKNOWN: .*2 remote.*${keyId}.*TIDEMARK_SECRET_KEY`));
  expect(role.output()).not.toContain(wrong);
});

test('fault 108: with the old key listed after the new one all secrets open; without stored secrets a key is created', async () => {
  const { key, open } = await withStoredSecrets();
  const both = [randomBytes(32), key].map((one) => one.toString('base64'));
  const box = await open({ TIDEMARK_SECRET_KEY: both.join(',') });
  expect(box.keyIds).toEqual(createSecretBox(parseSecretKeys(both.join(','))).keyIds);
  const { database } = await newDatabase();
  await migrateDatabase(database);
  const config = loadConfig({ TIDEMARK_DATA: await newFolder() });
  const made = await openSecretBox(config, database.em.fork());
  expect((await openSecretBox(config, database.em.fork())).keyIds).toEqual(made.keyIds);
});

test('a port in use is reported before PostgreSQL is created, by every command that starts servers; reading commands start none', async () => {
  const other = createServer((_, response) => response.end('<title>Tidemark</title>'));
  closers.push(async () => other.close());
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const dataDir = await newFolder();
  const settings = { TIDEMARK_DATA: dataDir, TIDEMARK_PORT: String(port) };
  const taken = `PORT_UNAVAILABLE: .*127.0.0.1:${port}, which is taken by another Tidemark. Use that one with TIDEMARK_SERVER=http://127.0.0.1:${port}, or set TIDEMARK_PORT`;
  const starts = launch(['start'], settings);
  const syncs = launch(['sync', 'a/b', '--upstream', 'http://127.0.0.1:9'], settings);
  const reads = launch(['repositories'], settings);
  expect(await Promise.all([starts.ended(), syncs.ended(), reads.ended()])).toEqual([1, 1, 1]);
  expect(starts.output()).toMatch(new RegExp(taken));
  expect(syncs.output()).toMatch(
    new RegExp(`^No server runs on ${dataDir}. Starting PostgreSQL, Temporal.*\n${taken}`),
  );
  expect(reads.output()).toMatch(
    new RegExp(
      `^NO_SERVER: No server runs on ${dataDir}. Start one with .*, or name one with TIDEMARK_SERVER`,
    ),
  );
  expect(await readdir(dataDir)).toEqual([]);
});
