import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** The number of remotes with secrets that a key encrypted. */
export interface SecretKeyUse {
  /** As in the encrypted text, `tm1.<key id>.…`. */
  readonly keyId: string;
  readonly remotes: number;
}

/** The keys of the stored secrets; empty without secrets. */
export async function readSecretKeyUses(em: Em): Promise<SecretKeyUse[]> {
  const result = await sql<SecretKeyUse>`
    select split_part(sealed, '.', 2) as "keyId", count(distinct remote.id) as remotes
    from remote cross join lateral
      (values (password_sealed), (ssl_client_key_sealed), (headers_sealed), (proxy_url_sealed)) as secret(sealed)
    where sealed is not null
    group by 1 order by 1`.execute(kysely(em));
  return result.rows;
}
