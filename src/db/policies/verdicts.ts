import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { repositoryReference } from '../../oci/reference.ts';
import type { Verdict } from '../../oci/signatures/signature-rules.ts';
import type { PolicyKey } from '../schema/signatures.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Null: no policy. */
export function isSamePolicy(one: PolicyKey | null, other: PolicyKey | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.policyId === other.policyId &&
    one.revision === other.revision &&
    one.dockerReference === other.dockerReference
  );
}

export function toPolicyKey(row: {
  readonly policyId: number | null;
  readonly revision: number;
  readonly dockerReference: string | null;
  readonly url: string | null;
  readonly upstreamName: string;
}): PolicyKey | null {
  const { policyId, revision, url, upstreamName } = row;
  if (policyId === null) return null;
  const upstream = url === null ? null : repositoryReference({ url, upstreamName });
  return { policyId, revision, dockerReference: row.dockerReference ?? upstream };
}

/** Joins the verdict `v` of the policy on the signature `s`. */
export function verdictOn(policy: PolicyKey): RawBuilder<unknown> {
  return sql`v.policy_id = ${policy.policyId} and v.signature_id = s.id and v.revision = ${policy.revision}
    and v.docker_reference = case s.kind when 'ATOMIC' then ${policy.dockerReference ?? ''} else '' end`;
}

/** Whether the verdict `v` is valid now. */
export const isValid = sql`v.verified_by is not null and (v.valid_until is null or v.valid_until > now())`;

/** The cost of a check of the signature `s`, in bytes. */
export const byCost = sql<number>`case s.kind when 'ATOMIC' then octet_length(s.content)
  else (select coalesce(sum(e.size_bytes), 0) from manifest_blob e where e.manifest_id = s.manifest_id) end`;

export interface SignatureToCheck {
  readonly id: number;
  readonly kind: 'ATOMIC' | 'COSIGN';
  readonly signedDigest: Digest;
  /** Of an atomic signature. */
  readonly content: Buffer | null;
  /** The document of the signing manifest. */
  readonly document: Buffer | null;
}

export async function readSignatureToCheck(em: Em, id: number): Promise<SignatureToCheck | undefined> {
  const found = await sql<SignatureToCheck>`
    select s.id, s.kind, s.signed_digest as "signedDigest", s.content, m.raw as document
    from signature s left join manifest m on m.id = s.manifest_id where s.id = ${id}`.execute(kysely(em));
  return found.rows[0];
}

export async function readDocumentOf(em: Em, digest: Digest): Promise<Buffer | undefined> {
  const found = await sql<{ raw: Buffer }>`
    select raw from manifest where digest = ${digest} and raw is not null`.execute(kysely(em));
  return found.rows[0]?.raw;
}

/** The signatures without a verdict, in the given order. */
export async function findUnchecked(em: Em, policy: PolicyKey, ids: readonly number[]): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select s.id from unnest(${[...ids]}::bigint[]) with ordinality as wish(id, n) join signature s on s.id = wish.id
    where not exists (select from signature_verdict v where ${verdictOn(policy)}) order by wish.n`.execute(
    kysely(em),
  );
  return found.rows.map((row) => row.id);
}

/** Whether one of these signatures is valid. */
export async function isOneValid(em: Em, policy: PolicyKey, ids: readonly number[]): Promise<boolean> {
  const found = await sql`
    select from signature s join signature_verdict v on ${verdictOn(policy)}
    where s.id = any(${[...ids]}::bigint[]) and ${isValid} limit 1`.execute(kysely(em));
  return found.rows.length > 0;
}

export interface CheckedSignature {
  readonly id: number;
  readonly kind: 'ATOMIC' | 'COSIGN';
  readonly verdict: Verdict;
}

/** Stores verdicts, unless the policy has changed or the signature is deleted. */
export async function writeVerdicts(
  em: Em,
  policy: PolicyKey,
  checked: readonly CheckedSignature[],
): Promise<void> {
  const verified = checked.map(({ verdict }) => (verdict.isVerified ? verdict : undefined));
  await sql`
    insert into signature_verdict (policy_id, signature_id, docker_reference, revision, verified_by, valid_until, reason)
    select p.id, s.id, case s.kind when 'ATOMIC' then ${policy.dockerReference ?? ''} else '' end, p.revision,
      row.verified_by, row.valid_until, row.reason
    from unnest(
      ${checked.map(({ id }) => id)}::bigint[],
      ${verified.map((verdict) => verdict?.by ?? null)}::text[],
      ${verified.map((verdict) => verdict?.validUntil ?? null)}::timestamptz[],
      ${checked.map(({ verdict }) => (verdict.isVerified ? null : verdict.reason))}::text[]
    ) as row(id, verified_by, valid_until, reason)
    join signature s on s.id = row.id
    join signature_policy p on p.id = ${policy.policyId} and p.revision = ${policy.revision}
    order by s.id
    on conflict (policy_id, signature_id, docker_reference) do update
      set revision = excluded.revision, verified_by = excluded.verified_by, valid_until = excluded.valid_until,
        reason = excluded.reason`.execute(kysely(em));
}
