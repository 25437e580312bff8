import { sql } from 'kysely';
import type { Database } from '../open-database.ts';
import { createOwnConnection } from '../connection/own-connection.ts';

const channel = 'tidemark_task_ended';

/** For the `returning` of the statement that ends a task: notifies all processes when the transaction commits. */
export const tellEnding = sql`pg_notify(${sql.lit(channel)}, task.id::text)`;

export interface TaskEndings {
  /** Starts to listen unless it does already. Endings before that, and while the connection is broken, are missed. */
  listen(): void;
  close(): Promise<void>;
}

/** Reports ended tasks of all processes, on a connection of its own. */
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
      // The next call retries a failed connection.
      if (!isClosed) connection.connect().catch(() => undefined);
    },
    async close() {
      isClosed = true;
      await connection.close();
    },
  };
}
