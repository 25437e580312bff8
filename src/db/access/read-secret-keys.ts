import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** How many remotes have a secret that was sealed with one key. */
export interface SecretKeyUse {
  /** As it stands in the sealed text, `tm1.<key id>.…`. */
  readonly keyId: string;
  readonly remotes: number;
}

/** The keys that stored secrets were sealed with, by key id; empty where no secret is stored. */
export async function readSecretKeyUses(em: Em): Promise<SecretKeyUse[]> {
  const result = await sql<SecretKeyUse>`
    select split_part(sealed, '.', 2) as "keyId", count(distinct remote.id) as remotes
    from remote cross join lateral
      (values (password_sealed), (ssl_client_key_sealed), (headers_sealed), (proxy_url_sealed)) as secret(sealed)
    where sealed is not null
    group by 1 order by 1`.execute(kysely(em));
  return result.rows;
}
