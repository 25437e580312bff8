import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { sealedTables } from './sealed-columns.ts';

/** The number of remotes and credentials with secrets that a key encrypted. */
export interface SecretKeyUse {
  /** As in the encrypted text, `tm1.<key id>.…`. */
  readonly keyId: string;
  readonly holders: number;
}

/** The keys of the stored secrets; empty without secrets. */
export async function readSecretKeyUses(em: Em): Promise<SecretKeyUse[]> {
  const secrets = sealedTables.flatMap(({ table, columns }) =>
    columns.map(
      ([column]) =>
        sql`select ${table} || id as holder, ${sql.ref(column)} as sealed from ${sql.table(table)}`,
    ),
  );
  const result = await sql<SecretKeyUse>`
    select split_part(sealed, '.', 2) as "keyId", count(distinct holder) as holders
    from (${sql.join(secrets, sql` union all `)}) as secret
    where sealed is not null
    group by 1 order by 1`.execute(kysely(em));
  return result.rows;
}
