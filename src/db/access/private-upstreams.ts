import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/**
 * Takes back what schedules and unfinished tasks were allowed while nobody but this machine could reach the server: a worker that runs apart
 * knows no more than they say.
 */
export async function forbidPrivateUpstreams(em: Em): Promise<void> {
  const db = kysely(em);
  await sql`update schedule set allow_private = false where allow_private`.execute(db);
  await sql`
    update task set arguments = jsonb_set(arguments, '{allowPrivate}', 'false')
    where state in ('WAITING', 'RUNNING') and arguments @> '{"allowPrivate": true}'`.execute(db);
}
