import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/**
 * Withdraws the permission for private upstreams from schedules and open tasks, which they got while the server was
 * reachable from this machine only. A remote worker knows nothing but these rows.
 */
export async function forbidPrivateUpstreams(em: Em): Promise<void> {
  const db = kysely(em);
  await db.updateTable('schedule').set({ allow_private: false }).where('allow_private', '=', true).execute();
  await sql`
    update task set arguments = jsonb_set(arguments, '{allowPrivate}', 'false')
    where state in ('WAITING', 'RUNNING') and arguments @> '{"allowPrivate": true}'`.execute(db);
}
