import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from './visibility.ts';
import type { Visibility } from './visibility.ts';

/** The first visible remotes, mirror rules and proxies of a credential, and the number of all. */
export interface CredentialUse {
  readonly names: readonly string[];
  readonly count: number;
}

export async function readCredentialUse(
  em: Em,
  visibility: Visibility,
  credentialId: number,
): Promise<CredentialUse> {
  const found = await sql<{ name: string; total: number; isSeen: boolean }>`
    with users as (
      select name from remote where ${uses(credentialId)}
      union all select name from mirror_rule where ${uses(credentialId)}
      union all select name from proxy where ${uses(credentialId)}
    )
    select name, count(*) over () as total, ${nameVisible(sql`name`, visibility)} as "isSeen"
    from users order by "isSeen" desc, name limit 3`.execute(kysely(em));
  return {
    names: found.rows.filter((row) => row.isSeen).map((row) => row.name),
    count: found.rows[0]?.total ?? 0,
  };
}

/** Call it when a credential changes: open clients of these remotes are not used for new work then. */
export async function touchRemotes(em: Em, credentialId: number): Promise<void> {
  await sql`update remote set updated_at = clock_timestamp() where ${uses(credentialId)}`.execute(kysely(em));
}

/** Whether a remote, a mirror rule or a proxy uses the credential, itself or for a fallback. */
function uses(credentialId: number): RawBuilder<boolean> {
  return sql`(credential_id = ${credentialId} or fallbacks @> ${JSON.stringify([{ credentialId }])}::jsonb)`;
}
