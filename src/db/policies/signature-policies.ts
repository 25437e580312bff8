import { sql } from 'kysely';
import { SignaturePolicy } from '../schema/signatures.ts';
import type { Em } from '../open-database.ts';
import type { SignatureRules } from '../../oci/signatures/signature-rules.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export function toSignatureRules(policy: SignaturePolicy): SignatureRules {
  const { keys, openPgpKeys, identities, trustedRoot, dockerReference } = policy;
  return {
    keys,
    openPgpKeys,
    identities,
    trustedRoot: trustedRoot ?? null,
    dockerReference: dockerReference ?? null,
  };
}

/**
 * Locks the policy against deletion until the transaction ends.
 * @returns whether it exists and is visible.
 */
export async function lockSignaturePolicy(em: Em, visibility: Visibility, id: number): Promise<boolean> {
  const found = await sql`
    select from signature_policy where id = ${id} and ${nameVisible(sql`name`, visibility)} for key share`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/** Whether a policy trusts OpenPGP keys, so that atomic signatures are needed. */
export async function wantsAtomic(em: Em, policyIds: readonly number[]): Promise<boolean> {
  const found = await em.find(SignaturePolicy, { id: { $in: [...policyIds] } });
  return found.some(({ openPgpKeys }) => openPgpKeys.length > 0);
}

/** Call it when the trusted keys or identities change: verdicts of earlier revisions are stale. */
export async function forgetVerdicts(em: Em, policyId: number): Promise<void> {
  await kysely(em).deleteFrom('signature_verdict').where('policy_id', '=', policyId).execute();
}

/** The first users of a policy by kind and name, among the visible ones, and the number of all. */
export interface PolicyUse {
  readonly users: readonly {
    readonly kind: 'remote' | 'repository' | 'distribution' | 'mirror rule' | 'proxy';
    readonly name: string;
  }[];
  readonly count: number;
}

export async function readPolicyUse(em: Em, visibility: Visibility, policyId: number): Promise<PolicyUse> {
  const found = await sql<PolicyUse['users'][number] & { total: number; isSeen: boolean }>`
    select kind, name, count(*) over () as total, ${nameVisible(sql`name`, visibility)} as "isSeen" from (
      select 'remote' as kind, name from remote where signature_policy_id = ${policyId}
      union all
      select 'repository', name from repository where signature_policy_id = ${policyId}
      union all
      select 'distribution', base_path from distribution where signature_policy_id = ${policyId}
      union all
      select 'mirror rule', name from mirror_rule where signature_policy_id = ${policyId}
      union all
      select 'proxy', name from proxy where signature_policy_id = ${policyId}
    ) as use order by "isSeen" desc, kind, name limit 3`.execute(kysely(em));
  const users = found.rows.filter((row) => row.isSeen);
  return { users, count: found.rows[0]?.total ?? 0 };
}
