import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * Each database has an id, made by the migration that adds its table. It is part of every id at Temporal: two installations that share a
 * namespace touch only what is their own.
 */

/** The id of this installation, in SQL. */
export const ownInstallation = sql<string>`(select id from installation)`;

/** The id of this installation. */
export async function readInstallation(em: Em): Promise<string> {
  const found = await sql<{ id: string }>`select id from installation`.execute(kysely(em));
  const id = found.rows[0]?.id;
  if (id === undefined) throw new Error('the table "installation" is empty');
  return id;
}
