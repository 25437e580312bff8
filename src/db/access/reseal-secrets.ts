import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { SealedTable } from './sealed-columns.ts';

export interface SealedSecret {
  readonly sealed: string;
  /** The encryption context, e.g. `remote:12:password`. */
  readonly context: string;
}

/**
 * Passes the secrets of a table's next rows to `reseal`, with the rows locked, and stores the results; undefined keeps
 * one. One transaction.
 * @returns the last row's id; undefined if none was left.
 */
export async function resealPage(
  em: Em,
  { table, columns, afterId, limit }: SealedTable & { readonly afterId: number; readonly limit: number },
  reseal: (secret: SealedSecret) => string | undefined,
): Promise<number | undefined> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const rows = await sql<{ id: number } & Record<string, string | null>>`
      select id, ${sql.join(columns.map(([column]) => sql.ref(column)))} from ${sql.table(table)}
      where id > ${afterId} order by id limit ${limit} for no key update`.execute(db);
    for (const [column, name] of columns) {
      const ids: number[] = [];
      const values: string[] = [];
      for (const row of rows.rows) {
        const sealed = row[column];
        if (typeof sealed !== 'string') continue;
        const again = reseal({ sealed, context: `${table}:${row.id}:${name}` });
        if (again === undefined) continue;
        ids.push(row.id);
        values.push(again);
      }
      if (ids.length > 0)
        await sql`
          update ${sql.table(table)} as changed set ${sql.ref(column)} = v.sealed
          from unnest(${ids}::bigint[], ${values}::text[]) as v(id, sealed) where changed.id = v.id`.execute(
          db,
        );
    }
    return rows.rows.at(-1)?.id;
  });
}
