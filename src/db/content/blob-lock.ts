import { setTimeout as sleep } from 'node:timers/promises';
import { createOwnConnection } from '../connection/own-connection.ts';

/**
 * Single-flight downloads across all workers: PostgreSQL advisory locks on a connection of their own. A broken
 * connection frees its locks, and two workers may fetch the same blob. That is safe, because each attempt writes its own
 * file.
 */
export interface BlobLocks {
  /** Runs `work` under the lock of a digest or an upload id. Waits until the signal aborts. */
  withLock<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** The same with a shared lock. */
  withShared<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Takes the locks that are free. */
  takeFree(keys: readonly string[]): Promise<HeldLocks>;
  /** Runs `work` under the locks that are free. Its signal aborts when the locks are lost. */
  withFree<T>(
    keys: readonly string[],
    work: (free: readonly string[], signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

export interface HeldLocks {
  readonly keys: readonly string[];
  release(): Promise<void>;
}

const retryMs = 100;

export function createBlobLocks(databaseUrl: string): BlobLocks {
  const connection = createLockConnection(databaseUrl);
  const locks = createSessionLocks(connection);

  async function takeFree(asked: readonly string[]): Promise<HeldLocks> {
    const answers = await Promise.allSettled(asked.map((key) => locks.tryLock(key)));
    const keys = asked.filter((_, index) => {
      const answer = answers[index];
      return answer?.status === 'fulfilled' && answer.value;
    });
    const release = async () => void (await Promise.all(keys.map((key) => locks.unlock(key))));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed === undefined) return { keys, release };
    await release();
    throw failed.reason;
  }

  return {
    async withLock(key, signal, work) {
      await until(() => locks.tryLock(key), signal);
      try {
        return await work();
      } finally {
        await locks.unlock(key);
      }
    },
    async withShared(key, signal, work) {
      await until(() => locks.tryShare(key), signal);
      try {
        return await work();
      } finally {
        await locks.unshare(key);
      }
    },
    takeFree,
    async withFree(keys, work) {
      const taken = await takeFree(keys);
      try {
        return await work(taken.keys, connection.lost());
      } finally {
        await taken.release();
      }
    },
    close: () => connection.close(),
  };
}

async function until(isTaken: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  while (!(await isTaken())) await sleep(retryMs, undefined, { signal });
}

/** Advisory locks nest within a session, so this process keeps its own locks apart. A broken connection has freed its locks. */
function createSessionLocks(connection: LockConnection) {
  const held = new Set<string>();
  const shared = new Map<string, number>();

  async function tryShare(key: string): Promise<boolean> {
    if (held.has(key)) return false;
    shared.set(key, (shared.get(key) ?? 0) + 1);
    return unlessRefused(connection.ask('share', key), () => leave(key));
  }

  function leave(key: string): void {
    const others = (shared.get(key) ?? 0) - 1;
    if (others > 0) shared.set(key, others);
    else shared.delete(key);
  }

  async function tryLock(key: string): Promise<boolean> {
    if (held.has(key) || shared.has(key)) return false;
    held.add(key);
    return unlessRefused(connection.ask('lock', key), () => held.delete(key));
  }

  return {
    tryShare,
    tryLock,
    async unshare(key: string): Promise<void> {
      await connection.ask('unshare', key).catch(() => undefined);
      leave(key);
    },
    async unlock(key: string): Promise<void> {
      await connection.ask('unlock', key).catch(() => undefined);
      held.delete(key);
    },
  };
}

async function unlessRefused(asked: Promise<boolean>, undo: () => void): Promise<boolean> {
  let got = false;
  try {
    got = await asked;
  } finally {
    if (!got) undo();
  }
  return got;
}

type LockConnection = ReturnType<typeof createLockConnection>;

interface Question {
  readonly kind: 'lock' | 'unlock' | 'share' | 'unshare';
  readonly key: string;
  readonly answer: (got: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Batches the requests that arrive while a statement runs: hundreds of small blobs cost a few round trips. */
function createLockConnection(databaseUrl: string) {
  let loss = new AbortController();
  let questions: Question[] = [];
  let isAsking = false;

  const connection = createOwnConnection({
    databaseUrl,
    name: 'tidemark blob locks',
    onLost() {
      loss.abort(new Error('The connection that held the locks is gone.'));
      loss = new AbortController();
    },
  });

  async function askAll(): Promise<void> {
    while (questions.length > 0) {
      const asked = questions;
      questions = [];
      try {
        const client = await connection.connect();
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
        if (isAsking) return;
        isAsking = true;
        // Concurrent requests become one statement.
        queueMicrotask(() => void askAll());
      });
    },
    /** Aborts when the present connection breaks. */
    lost: (): AbortSignal => loss.signal,
    close: () => connection.close(),
  };
}

const statement = `
  select case kind when 'lock' then pg_try_advisory_lock(hashtextextended(key, 0))
    when 'share' then pg_try_advisory_lock_shared(hashtextextended(key, 0))
    when 'unshare' then pg_advisory_unlock_shared(hashtextextended(key, 0))
    else pg_advisory_unlock(hashtextextended(key, 0)) end as got
  from unnest($1::text[], $2::text[]) with ordinality as question(kind, key, place) order by place`;
