import { sql } from 'kysely';
import type { Database } from '../open-database.ts';
import { createOwnConnection } from '../connection/own-connection.ts';

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
  const connection = createOwnConnection({
    databaseUrl: database.config.get('clientUrl') ?? '',
    name: 'tidemark task endings',
    async prepare(client) {
      client.on('notification', ({ payload }) => onEnded(Number(payload)));
      await client.query(`listen ${channel}`);
    },
  });
  let isClosed = false;
  return {
    listen() {
      // one that could not be opened is tried again when the next one asks
      if (!isClosed) connection.connect().catch(() => undefined);
    },
    async close() {
      isClosed = true;
      await connection.close();
    },
  };
}
