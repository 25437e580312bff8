import { sql } from 'kysely';
import { preferred } from '../content/meaning.ts';
import type { Em } from '../open-database.ts';
import type { TagRow } from '../reads/tags/read-tags.ts';
import { isIn } from '../versions/memberships.ts';
import { kysely } from '../sql.ts';
import { companionPattern, subjectOfTag } from '../content/companion-tags.ts';
import { isCompanionOf } from './attachments.ts';
import { byCost, isValid, toPolicyKey } from './verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';

export interface Verification {
  readonly repositoryId: number;
  readonly policy: PolicyKey;
  /** The key or identity with a valid signature; null: not verified. */
  readonly verifiedBy: string | null;
  readonly signatures: number;
  /** Why one of the signatures is invalid. */
  readonly reason: string | null;
  /** The first signatures without a verdict. */
  readonly unchecked: readonly number[];
}

const uncheckedMost = 50;

/** The policy of each repository, or of its remote; null without one. */
async function readPolicyKeys(
  em: Em,
  repositoryIds: readonly number[],
): Promise<Map<number, PolicyKey | null>> {
  const found = await sql<{
    id: number;
    policyId: number | null;
    revision: number;
    dockerReference: string | null;
    url: string | null;
    upstreamName: string;
  }>`
    select r.id, p.id as "policyId", p.revision, p.docker_reference as "dockerReference", u.url, u.upstream_name as "upstreamName"
    from repository r left join remote u on u.id = r.remote_id
      left join signature_policy p on p.id = coalesce(r.signature_policy_id, u.signature_policy_id)
    where r.id = any(${[...new Set(repositoryIds)]}::bigint[])`.execute(kysely(em));
  return new Map(found.rows.map((row) => [row.id, toPolicyKey(row)]));
}

/**
 * Verifies each tag by its repository's policy and the signatures of the newest version with the tag; null without a
 * policy. A companion tag is verified with its image.
 */
export async function readTagVerifications(
  em: Em,
  tags: readonly TagRow[],
): Promise<(Verification | null)[]> {
  const keys = await readPolicyKeys(
    em,
    tags.map((tag) => tag.repositoryId),
  );
  const wishes = tags.flatMap((tag, n) => {
    const policy = keys.get(tag.repositoryId) ?? null;
    return policy === null ? [] : [{ n, tag, policy }];
  });
  if (wishes.length === 0) return tags.map(() => null);
  const byPlace = new Map((await readVerdicts(em, wishes)).map(({ n, ...row }) => [n, row]));
  const answers = new Map(
    wishes.map(({ n, policy, tag: { repositoryId } }) => [
      n,
      { repositoryId, policy, ...nothing, ...byPlace.get(n) },
    ]),
  );
  return tags.map((_, n) => answers.get(n) ?? null);
}

type Verdict = Omit<Verification, 'policy' | 'repositoryId'> & { readonly n: number };

interface TagWish {
  readonly n: number;
  readonly tag: TagRow;
  readonly policy: PolicyKey;
}

/** The verdicts on the wishes, each with the place `n` of its tag. */
async function readVerdicts(em: Em, wishes: readonly TagWish[]): Promise<Verdict[]> {
  const found = await sql<Verdict>`
    with recursive wish as (
      select w.*, coalesce(t.removed_in - 1, r.latest) as version, coalesce(subject.id, w.manifest_id) as start_id
      from unnest(
        ${wishes.map(({ n }) => n)}::int[], ${wishes.map(({ tag }) => tag.repositoryId)}::bigint[],
        ${wishes.map(({ tag }) => tag.name)}::text[], ${wishes.map(({ tag }) => tag.addedIn)}::int[],
        ${wishes.map(({ tag }) => tag.manifestId)}::bigint[], ${wishes.map(({ policy }) => policy.policyId)}::bigint[],
        ${wishes.map(({ policy }) => policy.revision)}::int[],
        ${wishes.map(({ policy }) => policy.dockerReference ?? '')}::text[]
      ) as w(n, repository_id, name, added_in, manifest_id, policy_id, revision, docker_reference)
      join repository r on r.id = w.repository_id
      join tag_membership t on t.repository_id = w.repository_id and t.name = w.name and t.added_in = w.added_in
      join manifest named on named.id = w.manifest_id
      left join lateral (
        select m.id from manifest m
        where w.name ~ ${companionPattern} and m.digest = ${subjectOfTag(sql`w.name`)}
          and ${isCompanionOf('named', sql`w.name`, sql`m.digest`)}
        order by exists (select from membership h where h.repository_id = w.repository_id and h.kind = 'manifest'
          and h.content_id = m.id) desc, ${preferred} limit 1) as subject on true
    ),
    holder(n, id) as (
      select n, start_id from wish
      union
      select h.n, e.parent_id from holder h join wish on wish.n = h.n join manifest_manifest e on e.child_id = h.id
        join membership m on m.repository_id = wish.repository_id and m.kind = 'manifest' and m.content_id = e.parent_id
          and ${isIn('m', sql`wish.version`)}
    ),
    signed as (
      select h.n, s.id, ${byCost} as cost, v.signature_id is null as is_unchecked, case when ${isValid} then v.verified_by end as verified_by, v.reason
      from holder h join wish on wish.n = h.n join manifest on manifest.id = h.id
        join signature s on s.signed_digest = manifest.digest
        join membership m on m.repository_id = wish.repository_id and m.kind = 'signature' and m.content_id = s.id
          and ${isIn('m', sql`wish.version`)}
        left join signature_verdict v on v.policy_id = wish.policy_id and v.revision = wish.revision and v.signature_id = s.id
          and v.docker_reference = case s.kind when 'ATOMIC' then wish.docker_reference else '' end
    )
    select wish.n, min(verified_by) as "verifiedBy", count(signed.id) as signatures, min(reason) as reason,
      coalesce((array_agg(signed.id order by signed.cost, signed.id) filter (where is_unchecked))[1:${sql.lit(uncheckedMost)}], '{}') as unchecked
    from wish left join signed on signed.n = wish.n group by wish.n`.execute(kysely(em));
  return found.rows;
}

export interface SignatureInRepository {
  readonly id: number;
  readonly repositoryId: number;
}

export async function readSignatureVerifications(
  em: Em,
  signatures: readonly SignatureInRepository[],
): Promise<(Verification | null)[]> {
  const keys = await readPolicyKeys(
    em,
    signatures.map(({ repositoryId }) => repositoryId),
  );
  const wishes = signatures.flatMap(({ id, repositoryId }, n) => {
    const policy = keys.get(repositoryId) ?? null;
    return policy === null ? [] : [{ n, id, policy, repositoryId }];
  });
  if (wishes.length === 0) return signatures.map(() => null);
  const found = await sql<Omit<Verification, 'policy' | 'repositoryId'> & { n: number }>`
    select wish.n, case when ${isValid} then v.verified_by end as "verifiedBy", 1 as signatures, v.reason,
      case when v.signature_id is null then array[s.id] else '{}' end as unchecked
    from unnest(
      ${wishes.map(({ n }) => n)}::int[], ${wishes.map(({ id }) => id)}::bigint[],
      ${wishes.map(({ policy }) => policy.policyId)}::bigint[], ${wishes.map(({ policy }) => policy.revision)}::int[],
      ${wishes.map(({ policy }) => policy.dockerReference ?? '')}::text[]
    ) as wish(n, id, policy_id, revision, docker_reference)
    join signature s on s.id = wish.id
    left join signature_verdict v on v.policy_id = wish.policy_id and v.revision = wish.revision and v.signature_id = s.id
      and v.docker_reference = case s.kind when 'ATOMIC' then wish.docker_reference else '' end`.execute(
    kysely(em),
  );
  const byPlace = new Map(found.rows.map(({ n, ...row }) => [n, row]));
  const answers = new Map(
    wishes.map(({ n, policy, repositoryId }) => [n, { repositoryId, policy, ...nothing, ...byPlace.get(n) }]),
  );
  return signatures.map((_, n) => answers.get(n) ?? null);
}

const nothing = { verifiedBy: null, signatures: 0, reason: null, unchecked: [] };
