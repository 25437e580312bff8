/** The circuit breaker of a host, as several workers see it. Time is the database's: the tests move the times of the row. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBreaker, removeOldBreakers } from '../../src/db/upstreams/host-breakers.ts';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import { createBreakers } from '../../src/upstream/failover/breakers.ts';
import { createTestDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';

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
const key = () => ({ scope: randomUUID(), host: 'registry.example' });
/** Each has read nothing yet. */
const openWorker = () =>
  createBreakers({
    em,
    onError: (error) => {
      throw error;
    },
  });

/** Lets time pass for a breaker. */
async function pass(scope: string, seconds: number): Promise<void> {
  const ago = sql`make_interval(secs => ${seconds}::float8)`;
  await sql`update host_breaker set failed_at = failed_at - ${ago}, open_until = open_until - ${ago},
    probe_until = probe_until - ${ago} where scope = ${scope}`.execute(kysely(em()));
}

async function failTimes(host: ReturnType<typeof key>, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await openWorker().failed(host, 'connection refused');
}

test('opens at the third failure in a row, of all workers together (fault 11)', async () => {
  const host = key();
  await failTimes(host, 2);
  expect(await openWorker().admits(host)).toBe(true);
  const worker = openWorker();
  await worker.succeeded(host);
  expect(await readBreaker(em(), host.scope)).toBe(undefined);
  await failTimes(host, 3);
  expect(await openWorker().admits(host)).toBe(false);
  expect(await openWorker().admits({ ...host, scope: randomUUID() })).toBe(true);
});

test('lets one request of all workers probe the host, and closes when it succeeds', async () => {
  const host = key();
  await failTimes(host, 3);
  await pass(host.scope, 20);
  const workers = Array.from({ length: 8 }, openWorker);
  const admitted = await Promise.all(workers.map((worker) => worker.admits(host)));
  expect(admitted.filter(Boolean)).toHaveLength(1);
  await workers[admitted.indexOf(true)]?.succeeded(host);
  expect(await openWorker().admits(host)).toBe(true);
  expect(await readBreaker(em(), host.scope)).toBe(undefined);
});

test('stays open for longer after each failed probe, and failures while it is open prolong nothing', async () => {
  const host = key();
  await failTimes(host, 3);
  const open: number[] = [];
  for (let probe = 0; probe < 6; probe += 1) {
    const first = await readBreaker(em(), host.scope);
    await failTimes(host, 2);
    const second = await readBreaker(em(), host.scope);
    expect(second?.state).toBe('open');
    expect(second?.leftMs).toBeLessThanOrEqual(first?.leftMs ?? 0);
    open.push(Math.ceil((first?.leftMs ?? 0) / 15_000) * 15);
    await pass(host.scope, 301);
    expect(await openWorker().admits(host)).toBe(true);
    await failTimes(host, 1);
  }
  expect(open).toEqual([15, 30, 60, 120, 300, 300]);
});

test('gives a probe that was lost to the next request, and forgets old failures', async () => {
  const host = key();
  await failTimes(host, 3);
  await pass(host.scope, 20);
  expect(await openWorker().admits(host)).toBe(true);
  expect(await openWorker().admits(host)).toBe(false);
  await pass(host.scope, 100);
  expect(await openWorker().admits(host)).toBe(true);

  const other = key();
  await failTimes(other, 2);
  await pass(other.scope, 700);
  await failTimes(other, 2);
  expect(await openWorker().admits(other)).toBe(true);
  await pass(other.scope, 90_000);
  await removeOldBreakers(em());
  expect(await readBreaker(em(), other.scope)).toBe(undefined);
});

test('admits every host while the database does not answer', async () => {
  const errors: unknown[] = [];
  const broken = createBreakers({
    em: () => {
      throw new Error('no database');
    },
    onError: (error) => errors.push(error),
  });
  const host = key();
  await broken.failed(host, 'connection refused');
  await broken.succeeded(host);
  expect(await broken.admits(host)).toBe(true);
  expect(errors).toHaveLength(3);
});
