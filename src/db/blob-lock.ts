import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Digest } from '../oci/digest.ts';

/**
 * One fetch of a blob at a time over all workers: PostgreSQL's advisory locks on a connection of its own. When that connection breaks,
 * its locks are gone and two may fetch the same blob; that is safe, because each attempt writes a file of its own.
 */
export interface BlobLocks {
  /** Runs `work` while holding the lock of this digest; waits for it as long as the signal allows. */
  withLock<T>(digest: Digest, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const retryMs = 100;

export function createBlobLocks(databaseUrl: string): BlobLocks {
  let connection: Promise<pg.Client> | undefined;
  const held = new Set<Digest>();
  let lastQuery: Promise<unknown> = Promise.resolve();

  /** One statement at a time: a connection of pg takes no second one while it runs. */
  function query(
    client: pg.Client,
    statement: string,
    digest: Digest,
  ): Promise<pg.QueryResult<{ got: boolean }>> {
    const result = lastQuery.then(() => client.query<{ got: boolean }>(statement, [digest]));
    lastQuery = result.catch(() => undefined);
    return result;
  }

  function connect(): Promise<pg.Client> {
    connection ??= openConnection().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  }

  function forget(): void {
    connection = undefined;
  }

  async function openConnection(): Promise<pg.Client> {
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

  return {
    async withLock(digest, signal, work) {
      let client: pg.Client;
      for (;;) {
        signal.throwIfAborted();
        client = await connect();
        // advisory locks nest within one session; held is told apart here, so that one worker does not fetch a blob twice at a time
        if (!held.has(digest)) {
          held.add(digest);
          try {
            const got = await query(
              client,
              'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
              digest,
            );
            if (got.rows[0]?.got === true) break;
          } catch (error) {
            held.delete(digest);
            throw error;
          }
          held.delete(digest);
        }
        await sleep(retryMs, undefined, { signal });
      }
      try {
        return await work();
      } finally {
        held.delete(digest);
        // a broken connection has given its locks back already
        await query(client, 'select pg_advisory_unlock(hashtextextended($1, 0)) as got', digest).catch(
          () => undefined,
        );
      }
    },
    async close() {
      const opened = connection;
      connection = undefined;
      await (await opened?.catch(() => undefined))?.end();
    },
  };
}
