import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Rejects while the database does not answer. */
export async function pingDatabase(em: Em): Promise<void> {
  await sql`select 1`.execute(kysely(em));
}
