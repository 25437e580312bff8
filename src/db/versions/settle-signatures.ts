import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Draft, Written } from './draft.ts';
import { companionTagOf, isSignatureTag, signatureSuffix, subjectOfTag } from '../content/companion-tags.ts';
import { addMemberships, isPresent } from './memberships.ts';
import { kysely } from '../sql.ts';

/*
 * The signatures of a version follow from its manifests and tags: the signed manifest must be present, and so must the
 * signing one, with its subject or tag. Atomic signatures are written before.
 */

const isSignature = isSignatureTag(sql`t.name`);
const signedByTag = subjectOfTag(sql`t.name`);

export async function settleSignatures(em: Em, draft: Draft, written: Written): Promise<void> {
  if (written.isSigned) await dropUnsigned(em, draft);
  if (written.isAdded) await addSigning(em, draft);
  if (written.isRemoved) await endSignatures(em, draft);
}

/** Staged atomic signatures whose manifest is not in the version. */
async function dropUnsigned(em: Em, draft: Draft): Promise<void> {
  await sql`
    delete from membership a using signature s
    where a.repository_id = ${draft.repositoryId} and a.kind = 'signature' and a.added_in = ${draft.number} and s.id = a.content_id
      and not exists (select from manifest m where m.digest = s.signed_digest and ${isPresent(draft, 'manifest', sql`m.id`)})`.execute(
    kysely(em),
  );
}

/** Signatures by new manifests, of new manifests, and by new tags. */
async function addSigning(em: Em, draft: Draft): Promise<void> {
  const { repositoryId, number } = draft;
  const signing = sql`
    fresh as materialized (
      select m.id, m.digest, m.subject_digest, m.is_signature from membership a join manifest m on m.id = a.content_id
      where a.repository_id = ${repositoryId} and a.kind = 'manifest' and a.added_in = ${number}
    ),
    pair as materialized (
      select id as manifest_id, subject_digest as signed_digest, digest as name from fresh
      where is_signature and subject_digest is not null
      union
      select s.id, fresh.digest, s.digest from fresh cross join lateral (
        select id, digest from manifest where subject_digest = fresh.digest and is_signature offset 0) as s
      union
      select t.manifest_id, ${signedByTag}, t.name from tag_membership t
      where t.repository_id = ${repositoryId} and t.added_in = ${number} and t.removed_in is null and ${isSignature}
      union
      select t.manifest_id, fresh.digest, t.name from fresh cross join lateral (
        select manifest_id, name from tag_membership where repository_id = ${repositoryId} and removed_in is null
          and name = ${companionTagOf(sql`fresh.digest`, signatureSuffix)} offset 0) as t
    ),
    signing as materialized (
      select distinct on (pair.manifest_id, pair.signed_digest) pair.* from pair join manifest m on m.digest = pair.signed_digest
      where ${isPresent(draft, 'manifest', sql`pair.manifest_id`)} and ${isPresent(draft, 'manifest', sql`m.id`)}
      order by pair.manifest_id, pair.signed_digest, pair.name desc
    )`;
  await sql`
    with ${signing}
    insert into signature (kind, manifest_id, signed_digest, name)
    select 'COSIGN', manifest_id, signed_digest, name from signing order by manifest_id, signed_digest
    on conflict do nothing`.execute(kysely(em));
  await addMemberships(
    em,
    draft,
    'signature',
    sql`
      with ${signing}
      select s.id from signing join signature s on s.kind = 'COSIGN' and s.manifest_id = signing.manifest_id
        and s.signed_digest = signing.signed_digest`,
  );
}

/** Signatures that lost the signed manifest, the signing one, or its tag. */
async function endSignatures(em: Em, draft: Draft): Promise<void> {
  const { repositoryId, number } = draft;
  await sql`
    with gone as materialized (
      select m.id, m.digest from membership g join manifest m on m.id = g.content_id
      where g.repository_id = ${repositoryId} and g.removed_in = ${number} and g.kind = 'manifest'
    ),
    candidate as materialized (
      select s.id from gone cross join lateral (select id from signature where signed_digest = gone.digest offset 0) as s
      union
      select s.id from gone cross join lateral (
        select id from signature where kind = 'COSIGN' and manifest_id = gone.id offset 0) as s
      union
      select s.id from tag_membership t join signature s on s.kind = 'COSIGN' and s.manifest_id = t.manifest_id
        and s.signed_digest = ${signedByTag}
      where t.repository_id = ${repositoryId} and t.removed_in = ${number} and ${isSignature}
    ),
    leaving as materialized (
      select s.id from candidate join signature s on s.id = candidate.id
        left join manifest m on m.id = s.manifest_id
      where not (exists (select from manifest signed where signed.digest = s.signed_digest and ${isPresent(draft, 'manifest', sql`signed.id`)})
        and (s.kind = 'ATOMIC' or (${isPresent(draft, 'manifest', sql`m.id`)} and (
          (m.is_signature and m.subject_digest = s.signed_digest)
          or exists (select from tag_membership t where t.repository_id = ${repositoryId} and t.removed_in is null
            and t.manifest_id = m.id and t.name = ${companionTagOf(sql`s.signed_digest`, signatureSuffix)})))))
    )
    update membership p set removed_in = ${number} from leaving
    where p.repository_id = ${repositoryId} and p.kind = 'signature' and p.removed_in is null and p.content_id = leaving.id`.execute(
    kysely(em),
  );
}
