import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** The encrypted columns of remotes, and their names in the encryption context. */
const sealedColumns = [
  ['password_sealed', 'password'],
  ['ssl_client_key_sealed', 'ssl_client_key'],
  ['headers_sealed', 'headers'],
  ['proxy_url_sealed', 'proxy_url'],
] as const;

export interface SealedSecret {
  readonly sealed: string;
  /** The encryption context, e.g. `remote:12:password`. */
  readonly context: string;
}

/**
 * Passes the secrets of the next remotes to `reseal`, with their rows locked, and stores the results; undefined keeps
 * one. One transaction.
 * @returns the last remote's id; undefined if none was left.
 */
export async function resealPage(
  em: Em,
  page: { readonly afterId: number; readonly limit: number },
  reseal: (secret: SealedSecret) => string | undefined,
): Promise<number | undefined> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const remotes = await sql<{ id: number } & Record<string, string | null>>`
      select id, password_sealed, ssl_client_key_sealed, headers_sealed, proxy_url_sealed from remote
      where id > ${page.afterId} order by id limit ${page.limit} for no key update`.execute(db);
    for (const [column, name] of sealedColumns) {
      const ids: number[] = [];
      const values: string[] = [];
      for (const remote of remotes.rows) {
        const sealed = remote[column];
        if (typeof sealed !== 'string') continue;
        const again = reseal({ sealed, context: `remote:${remote.id}:${name}` });
        if (again === undefined) continue;
        ids.push(remote.id);
        values.push(again);
      }
      if (ids.length > 0)
        await sql`
          update remote set ${sql.ref(column)} = v.sealed from unnest(${ids}::bigint[], ${values}::text[]) as v(id, sealed)
          where remote.id = v.id`.execute(db);
    }
    return remotes.rows.at(-1)?.id;
  });
}
