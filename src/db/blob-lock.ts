import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/**
 * One fetch of a blob at a time over all workers: PostgreSQL's advisory locks on a connection of its own. When that connection breaks,
 * its locks are gone and two may fetch the same blob; that is safe, because each attempt writes a file of its own.
 */
export interface BlobLocks {
  /** Runs `work` while holding the lock of this key, a digest or an upload's id; waits for it as long as the signal allows. */
  withLock<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Runs `work` while holding the locks of those keys that nobody holds. Its signal is aborted when the locks are lost. */
  withFree<T>(
    keys: readonly string[],
    work: (free: readonly string[], signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

const retryMs = 100;

export function createBlobLocks(databaseUrl: string): BlobLocks {
  const connection = createLockConnection(databaseUrl);
  // advisory locks nest within one session, so those that this process holds are told apart here
  const held = new Set<string>();

  async function tryLock(key: string): Promise<boolean> {
    if (held.has(key)) return false;
    held.add(key);
    try {
      const got = await connection.ask('lock', key);
      if (!got) held.delete(key);
      return got;
    } catch (error) {
      held.delete(key);
      throw error;
    }
  }

  return {
    async withLock(key, signal, work) {
      signal.throwIfAborted();
      while (!(await tryLock(key))) await sleep(retryMs, undefined, { signal });
      try {
        return await work();
      } finally {
        // a broken connection has given its locks back already
        await connection.ask('unlock', key).catch(() => undefined);
        held.delete(key);
      }
    },
    async withFree(keys, work) {
      const got = await Promise.all(keys.map(tryLock));
      const free = keys.filter((_, index) => got[index]);
      try {
        return await work(free, connection.lost());
      } finally {
        await Promise.all(free.map((key) => connection.ask('unlock', key).catch(() => undefined)));
        for (const key of free) held.delete(key);
      }
    },
    close: () => connection.close(),
  };
}

interface Question {
  readonly kind: 'lock' | 'unlock';
  readonly key: string;
  readonly answer: (got: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Gathers the questions that come while one statement runs into the next: hundreds of small blobs cost a few round trips. */
function createLockConnection(databaseUrl: string) {
  let connection: Promise<pg.Client> | undefined;
  let loss = new AbortController();
  let questions: Question[] = [];
  let isAsking = false;

  async function open(forget: () => void): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'tidemark blob locks',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    client.on('error', forget);
    client.on('end', forget);
    await client.connect();
    return client;
  }

  function connect(): Promise<pg.Client> {
    if (connection !== undefined) return connection;
    // itself only: the last events of a broken connection may come when the next one is open, and holds locks
    const forget = (): void => {
      if (connection !== opened) return;
      connection = undefined;
      loss.abort(new Error('The connection that held the locks is gone.'));
      loss = new AbortController();
    };
    const opened = open(forget);
    connection = opened;
    opened.catch(forget);
    return opened;
  }

  async function askAll(): Promise<void> {
    isAsking = true;
    while (questions.length > 0) {
      const asked = questions;
      questions = [];
      try {
        const client = await connect();
        const result = await client.query<{ got: boolean }>(statement, [
          asked.map(({ kind }) => kind),
          asked.map(({ key }) => key),
        ]);
        asked.forEach(({ answer }, index) => answer(result.rows[index]?.got ?? false));
      } catch (error) {
        for (const { fail } of asked) fail(error);
      }
    }
    isAsking = false;
  }

  return {
    ask(kind: Question['kind'], key: string): Promise<boolean> {
      return new Promise((answer, fail) => {
        questions.push({ kind, key, answer, fail });
        if (!isAsking) void askAll();
      });
    },
    /** Aborted when the connection that there is now breaks. */
    lost: (): AbortSignal => loss.signal,
    async close(): Promise<void> {
      const opened = connection;
      connection = undefined;
      await (await opened?.catch(() => undefined))?.end();
    },
  };
}

const statement = `
  select case kind when 'lock' then pg_try_advisory_lock(hashtextextended(key, 0))
    else pg_advisory_unlock(hashtextextended(key, 0)) end as got
  from unnest($1::text[], $2::text[]) with ordinality as question(kind, key, place) order by place`;
