import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobLocks } from '../../src/db/content/blob-lock.ts';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
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

const digest = (text: string) => digestBytes(Buffer.from(text));
const never = new AbortController().signal;

/** How many connections for locks are open. */
const connections = async () => {
  const found = await sql<{ pid: number }>`select pid from pg_stat_activity
    where application_name = 'tidemark blob locks' and datname = current_database()`.execute(
    kysely(database.em.fork()),
  );
  return found.rows.length;
};

test('a digest is held by one at a time, within a worker and over two of them; different ones do not wait', async () => {
  const workers = [createBlobLocks(testDatabase.url), createBlobLocks(testDatabase.url)] as const;
  const running = new Map<string, number>();
  let most = 0;
  const work = (name: string) => async () => {
    const count = (running.get(name) ?? 0) + 1;
    running.set(name, count);
    most = Math.max(most, count);
    await sleep(5);
    running.set(name, count - 1);
    return name;
  };
  const calls = Array.from({ length: 40 }, (_, number) => {
    const name = `blob-${number % 10}`;
    return workers[number % 2 === 0 ? 0 : 1].withLock(digest(name), never, work(name));
  });
  const answers = await Promise.all(calls);
  expect(new Set(answers).size).toBe(10);
  expect(most).toBe(1);
  for (const worker of workers) await worker.close();
});

test('a lock is shared by many, within a process and over two, and nobody has it alone meanwhile', async () => {
  const [one, other] = [createBlobLocks(testDatabase.url), createBlobLocks(testDatabase.url)];
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const key = digest('shared');
  let inside = 0;
  const work = async () => {
    inside += 1;
    await held;
  };
  const sharing = [one, one, other].map((locks) => locks.withShared(key, never, work));
  await expect.poll(() => inside).toBe(3);
  for (const locks of [one, other]) expect((await locks.takeFree([key])).keys).toEqual([]);
  letGo();
  await Promise.all(sharing);
  for (const locks of [one, other]) {
    const alone = await locks.takeFree([key]);
    expect(alone.keys).toEqual([key]);
    await expect(one.withShared(key, AbortSignal.timeout(1), work)).rejects.toThrow();
    await alone.release();
  }
  await Promise.all([one.close(), other.close()]);
});

test('the lock is free again after the work has failed, and a waiting caller can be cancelled', async () => {
  const locks = createBlobLocks(testDatabase.url);
  const failed = locks.withLock(digest('a'), never, () => Promise.reject(new Error('broken')));
  await expect(failed).rejects.toThrow('broken');
  const cancel = new AbortController();
  await locks.withLock(digest('a'), never, async () => {
    const waiting = locks.withLock(digest('a'), cancel.signal, () => Promise.resolve('never'));
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow();
  });
  expect(await locks.withLock(digest('a'), never, () => Promise.resolve('free'))).toBe('free');
  await locks.close();
});

test('a broken connection gives its locks back, and the next call connects anew', async () => {
  const locks = createBlobLocks(testDatabase.url);
  const other = createBlobLocks(testDatabase.url);
  await locks.withLock(digest('b'), never, async () => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'tidemark blob locks' and datname = current_database()`.execute(
      kysely(database.em.fork()),
    );
    await expect(
      other
        .withLock(digest('b'), never, () => Promise.resolve('taken over'))
        .catch(() => other.withLock(digest('b'), never, () => Promise.resolve('taken over'))),
    ).resolves.toBe('taken over');
  });
  expect(await locks.withLock(digest('b'), never, () => Promise.resolve('again'))).toBe('again');
  await locks.close();
  await other.close();
});

test('a connection that breaks under load is followed by one, and none stays behind with its locks', async () => {
  const locks = createBlobLocks(testDatabase.url);
  const lane = async (name: string, ending: AbortSignal): Promise<void> => {
    while (!ending.aborted) await locks.withLock(digest(name), never, () => sleep(1)).catch(() => undefined);
  };
  for (let round = 0; round < 10; round += 1) {
    const ending = new AbortController();
    const lanes = Array.from({ length: 20 }, (_, number) => lane(`broken-${number}`, ending.signal));
    await expect.poll(connections).toBe(1);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'tidemark blob locks' and datname = current_database()`.execute(
      kysely(database.em.fork()),
    );
    await sleep(20);
    ending.abort();
    await Promise.all(lanes);
    await expect.poll(connections).toBeLessThanOrEqual(1);
  }
  await locks.close();
  await expect.poll(connections).toBe(0);
});
