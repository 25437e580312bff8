import { sql } from 'kysely';
import pg from 'pg';
import type { Database } from './open-database.ts';

const channel = 'tidemark_task_ended';

/** In the `returning` of the statement that ends a task: tells of it, to all processes, once the transaction is committed. */
export const tellEnding = sql`pg_notify(${sql.lit(channel)}, id::text)`;

export interface TaskEndings {
  /** Begins to listen, where it does not yet or not any more. What ends before it listens, or while its connection is broken, is missed. */
  listen(): void;
  close(): Promise<void>;
}

/** Hears of tasks that end in any process, at once, on a connection of its own. */
export function createTaskEndings(database: Database, onEnded: (taskId: number) => void): TaskEndings {
  let connection: Promise<pg.Client> | undefined;
  let isClosed = false;

  async function open(forget: () => void): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: database.config.get('clientUrl') ?? '',
      application_name: 'tidemark task endings',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    client.on('error', forget);
    client.on('end', forget);
    client.on('notification', ({ payload }) => onEnded(Number(payload)));
    await client.connect();
    await client.query(`listen ${channel}`);
    return client;
  }

  return {
    listen() {
      if (isClosed || connection !== undefined) return;
      const forget = (): void => {
        if (connection === opened) connection = undefined;
      };
      const opened = open(forget);
      connection = opened;
      opened.catch(forget);
    },
    async close() {
      isClosed = true;
      const client = await connection?.catch(() => undefined);
      await client?.end();
    },
  };
}
