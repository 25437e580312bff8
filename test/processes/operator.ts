/** Holds a process up at a statement, so that a test kills it there. */
import pg from 'pg';
import type { Stack } from './stack.ts';

/** Another connection to the database, whose locks end with it. */
export async function withOperator(
  stack: Stack,
  work: (operator: pg.Client) => Promise<void>,
): Promise<void> {
  const operator = new pg.Client({ connectionString: stack.databaseUrl });
  await operator.connect();
  try {
    await work(operator);
  } finally {
    await operator.end();
  }
}

/** Whether a statement of this database waits for a lock. */
export async function somethingWaits(operator: pg.Client): Promise<boolean> {
  const found = await operator.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return found.rows.length > 0;
}
