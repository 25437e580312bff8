import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* The id of this database is part of every id at Temporal, so that several installations can share a namespace. */

/** The id as an SQL expression. */
export const ownInstallation = sql<string>`(select id from installation)`;

export async function readInstallation(em: Em): Promise<string> {
  const found = await kysely(em).selectFrom('installation').select('id').execute();
  const id = found[0]?.id;
  if (id === undefined) throw new Error('the table "installation" is empty');
  return id;
}
