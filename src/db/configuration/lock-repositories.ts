import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Locks repositories before what they name, as the start of a sync and its commit do: otherwise two could wait for each other. */
export async function lockRepositories(em: Em, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`select from repository where name = any(${[...names]}::text[]) order by id for update`.execute(
    kysely(em),
  );
}
