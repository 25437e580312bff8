import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { Tables } from '../sql.ts';

export async function countRows(
  em: Em,
  table: keyof Tables,
  condition: RawBuilder<unknown>,
): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(table)} where ${condition}`.execute(kysely(em));
  return found.rows[0]?.count ?? 0;
}

/** The number of rows of each parent, in the order of the ids. */
export async function countByParent<Table extends keyof Tables>(
  em: Em,
  table: Table,
  column: keyof Tables[Table] & string,
  ids: readonly number[],
): Promise<number[]> {
  const found = await sql<{ id: number; count: number }>`
    select ${sql.ref(column)} as id, count(*) as count from ${sql.table(table)}
    where ${sql.ref(column)} = any(${ids}::bigint[]) group by 1`.execute(kysely(em));
  const counts = new Map(found.rows.map((row) => [row.id, row.count]));
  return ids.map((id) => counts.get(id) ?? 0);
}
