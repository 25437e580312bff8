import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import type { Em } from './open-database.ts';
import type { VersionKey } from './read-versions.ts';
import { kysely } from './sql.ts';
import { isValid, verdictOn } from './verdicts.ts';
import type { PolicyKey } from './verdicts.ts';
import { isIn } from './write-roots.ts';

/* What a distribution with a policy serves: what is verified, what that reaches, and what refers to it. */

export interface Trusted {
  readonly isVerified: boolean;
  /** Signatures that have no verdict yet: the first few. */
  readonly unchecked: readonly number[];
  readonly signatures: number;
  /** Why one of them is not valid. */
  readonly reason: string | null;
}

export type TrustedQuestion =
  | { readonly tag: string }
  | { readonly digest: Digest }
  | { readonly blob: Digest };

/** How many signatures one pull checks in a row. */
export const uncheckedMost = 50;

/** `sha256-<hex>` with cosign's endings: a tag that belongs to the manifest of that digest. */
const companionTag = '^sha256-[a-f0-9]{64}(\\.(sig|att|sbom))?$';

/**
 * Whether a tag, manifest or blob of a version may be served. By its digest a manifest may be when it, an index above it, or what it
 * refers to is verified. By an ordinary tag what it refers to does not count: anybody may refer to a signed image.
 */
export async function readTrusted(
  em: Em,
  version: VersionKey,
  policy: PolicyKey,
  question: TrustedQuestion,
): Promise<Trusted> {
  const found = await sql<Trusted>`
    with recursive start(id, by_reference) as (${starts(version, question)}),
    holder(id, by_reference) as (
      select id, by_reference from start
      union
      select next.id, holder.by_reference from holder cross join lateral (
        select e.parent_id as id from manifest_manifest e where e.child_id = holder.id
        union all
        select subject.id from manifest referrer join manifest subject on subject.digest = referrer.subject_digest
        where holder.by_reference and referrer.id = holder.id
        union all
        select subject.id from tag_membership t join manifest subject on subject.digest = replace(left(t.name, 71), '-', ':')
        where holder.by_reference and t.manifest_id = holder.id and t.name between 'sha256-' and 'sha256.'
          and t.name ~ ${companionTag} and ${isInVersion('t', version)}
      ) as next
      join membership m on m.kind = 'manifest' and m.content_id = next.id and ${isInVersion('m', version)}
    ),
    signed as (
      select s.id, v.signature_id is null as is_unchecked, ${isValid} as is_valid, v.reason
      from (select distinct id from holder) as h join manifest on manifest.id = h.id
        join signature s on s.signed_digest = manifest.digest
        join membership m on m.kind = 'signature' and m.content_id = s.id and ${isInVersion('m', version)}
        left join signature_verdict v on ${verdictOn(policy)}
    )
    select coalesce(bool_or(is_valid), false) as "isVerified", count(*) as signatures, min(reason) as reason,
      (select coalesce(array_agg(id), '{}') from (
        select id from signed where is_unchecked order by id limit ${uncheckedMost}) as first_few) as unchecked
    from signed`.execute(kysely(em));
  return found.rows[0] ?? { isVerified: false, unchecked: [], signatures: 0, reason: null };
}

/** Where the search begins, and whether it goes on from what refers to what it refers to. */
function starts(version: VersionKey, question: TrustedQuestion): RawBuilder<unknown> {
  if ('digest' in question) return sql`select id, true from manifest where digest = ${question.digest}`;
  if ('blob' in question)
    return sql`
      select distinct edge.manifest_id, true from blob join manifest_blob edge on edge.blob_id = blob.id
        join membership m on m.kind = 'manifest' and m.content_id = edge.manifest_id and ${isInVersion('m', version)}
      where blob.digest = ${question.blob}`;
  return sql`
    select t.manifest_id, t.name ~ ${companionTag} from tag_membership t
    where t.name = ${question.tag} and ${isInVersion('t', version)}`;
}

function isInVersion(row: 't' | 'm', { repositoryId, number }: VersionKey): RawBuilder<unknown> {
  return sql`${sql.raw(row)}.repository_id = ${repositoryId} and ${isIn(row, number)}`;
}
