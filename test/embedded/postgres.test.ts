import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processRuns } from '../../src/embedded/process-info.ts';
import { startPostgres } from '../../src/embedded/postgres.ts';
import type { RunningPostgres } from '../../src/embedded/postgres.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidemark-postgres-'));
});

afterEach(async () => {
  await stopAbandonedServers(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

const log = (): void => undefined;
const start = (): Promise<RunningPostgres> => startPostgres({ dataDir, log });

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('the first start makes the database, the second adopts, the last stop ends the server', async () => {
  const first = await start();
  expect(first.adopted).toBe(false);
  await rows(first.url, 'create table kept as select 42 as answer');
  const second = await start();
  expect(second).toMatchObject({ adopted: true, pid: first.pid, port: first.port, url: first.url });
  await first.stop();
  expect(await rows(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.stop();
  expect(await processRuns(first.pid)).toBe(false);
  await second.stop();

  const third = await start();
  expect(third).toMatchObject({ adopted: false, port: first.port });
  expect(await rows(third.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await third.stop();
});

test('the settings keep what was committed, and the password is nobody else’s to read', async () => {
  const server = await start();
  expect(
    await rows(
      server.url,
      "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'listen_addresses', 'server_encoding') order by 1",
    ),
  ).toEqual([
    { name: 'fsync', setting: 'on' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'server_encoding', setting: 'UTF8' },
    { name: 'synchronous_commit', setting: 'on' },
  ]);
  expect((await stat(join(dataDir, 'postgres', 'password'))).mode & 0o077).toBe(0);
  const wrong = new URL(server.url);
  wrong.password = 'wrong';
  await expect(rows(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  await server.stop();
});

test('after a SIGKILL of the postmaster a start works, and what was committed is there', async () => {
  const first = await start();
  await rows(first.url, 'create table kept as select 42 as answer');
  const busy = new pg.Client({ connectionString: first.url });
  busy.on('error', () => undefined);
  await busy.connect();
  // A backend at work outlives its postmaster for a while and keeps the next one from starting.
  const work = busy.query('select pg_sleep(0.5)').catch(() => undefined);
  process.kill(first.pid, 'SIGKILL');
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(await rows(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await work;
  await busy.end().catch(() => undefined);
  await first.stop();
  await second.stop();
  expect(await processRuns(second.pid)).toBe(false);
});

test('five starters at once: one starts, four adopt', async () => {
  const servers = await Promise.all([start(), start(), start(), start(), start()]);
  expect(servers.filter(({ adopted }) => adopted)).toHaveLength(4);
  expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
  await Promise.all(servers.map((server) => server.stop()));
  expect(await processRuns(servers[0].pid)).toBe(false);
});

test('a remembered port that is taken is replaced by another', async () => {
  const first = await start();
  await first.stop();
  const squatter = createServer();
  await new Promise<void>((resolve) => {
    squatter.listen({ host: '127.0.0.1', port: first.port }, resolve);
  });
  const second = await start();
  squatter.close();
  expect(second.port).not.toBe(first.port);
  expect(Number(await readFile(join(dataDir, 'postgres', 'port'), 'utf8'))).toBe(second.port);
  await second.stop();
});

test('a start that is cancelled leaves no server', async () => {
  await expect(
    startPostgres({ dataDir, log, signal: AbortSignal.abort(new Error('enough')) }),
  ).rejects.toThrow('enough');
  const abort = new AbortController();
  const cancelled = startPostgres({
    dataDir,
    log: () => abort.abort(new Error('enough')),
    signal: abort.signal,
  });
  await expect(cancelled).rejects.toThrow('enough');
  const server = await start();
  expect(server.adopted).toBe(false);
  await server.stop();
});

test('as root without user namespaces it runs as another user', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('needs root: an ordinary user runs PostgreSQL directly');
  await chmod(dataDir, 0o755);
  const server = await startPostgres({ dataDir, log, namespaces: false });
  expect(await rows(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect((await stat(`/proc/${server.pid}`)).uid).not.toBe(0);
  await server.stop();
  expect(await processRuns(server.pid)).toBe(false);
});
