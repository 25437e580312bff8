import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { hasDocumentsOnly, hasImageConfig, isAttachment, isCompanionOf } from './attachments.ts';
import { companionPattern, subjectOfTag } from '../content/companion-tags.ts';
import { isHeld } from '../content/held-blobs.ts';
import type { UnreadConfig } from '../staging/image-platforms.ts';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import { byCost, isValid, verdictOn } from './verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';
import { isInVersion } from '../versions/memberships.ts';

/* A distribution with a policy serves verified manifests, the content below them, and their attachments. */

export interface Trusted {
  readonly isVerified: boolean;
  /** The first signatures without a verdict, cheapest first. */
  readonly unchecked: readonly number[];
  /** Unread configs that decide whether the requested content is an image or an attachment. */
  readonly unread: readonly UnreadConfig[];
  readonly signatures: number;
  /** Why one of them is invalid. */
  readonly reason: string | null;
}

export type TrustedQuestion =
  | { readonly tag: string }
  | { readonly digest: Digest }
  | { readonly blob: Digest };

const uncheckedMost = 50;
const unreadMost = 20;

/**
 * Whether a tag, manifest or blob of a version may be served: it or an index above it is verified, or it is an
 * attachment of verified content. Through an ordinary tag, references do not count: anybody may refer to a signed image.
 * @param tried Signatures that the caller has had checked; they are not returned again.
 */
export async function readTrusted(
  em: Em,
  version: VersionKey,
  policy: PolicyKey,
  { question, tried = [] }: { readonly question: TrustedQuestion; readonly tried?: readonly number[] },
): Promise<Trusted> {
  const subject = subjectOfTag(sql`t.name`);
  const found = await sql<Trusted>`
    with recursive start(id, may_refer) as (${starts(version, question)}),
    holder(id, may_refer) as (
      select id, may_refer from start
      union
      select next.id, next.may_refer from holder cross join lateral (
        select e.parent_id as id, false as may_refer from manifest_manifest e where e.child_id = holder.id
        union all
        select subject.id, true from manifest referrer join manifest subject on subject.digest = referrer.subject_digest
        where holder.may_refer and referrer.id = holder.id and ${isAttachment('referrer')}
        union all
        select subject.id, true from tag_membership t join manifest companion on companion.id = t.manifest_id
          join manifest subject on subject.digest = ${subject}
        where holder.may_refer and t.manifest_id = holder.id and t.name between 'sha256-' and 'sha256.'
          and t.name ~ ${companionPattern} and ${isInVersion('t', version)}
          and ${isCompanionOf('companion', sql`t.name`, subject)}
      ) as next
      join membership m on m.kind = 'manifest' and m.content_id = next.id and ${isInVersion('m', version)}
    ),
    signed as (
      select s.id, ${byCost} as cost, v.signature_id is null as is_unchecked, ${isValid} as is_valid, v.reason
      from (select distinct id from holder) as h join manifest on manifest.id = h.id
        join signature s on s.signed_digest = manifest.digest
        join membership m on m.kind = 'signature' and m.content_id = s.id and ${isInVersion('m', version)}
        left join signature_verdict v on ${verdictOn(policy)}
    )
    select coalesce(bool_or(is_valid), false) as "isVerified", count(*) as signatures, min(reason) as reason,
      (select coalesce(array_agg(id order by cost, id), '{}') from (
        select id, cost from signed where is_unchecked and id <> all(${[...tried]}::bigint[])
        order by cost, id limit ${uncheckedMost}) as first_few) as unchecked,
      (select coalesce(jsonb_agg(config), '[]') from (${unreadConfigs(version)}) as config) as unread
    from signed`.execute(kysely(em));
  return found.rows[0] ?? { isVerified: false, unchecked: [], unread: [], signatures: 0, reason: null };
}

/** Signature manifests of cosign have an image's config. Its platform is read once. */
function unreadConfigs(version: VersionKey): RawBuilder<unknown> {
  return sql`
    select m.id as "manifestId", blob.digest, blob.size_bytes as "sizeBytes", edge.media_type as "mediaType"
    from (select distinct id from start where may_refer) as begun join manifest m on m.id = begun.id
      join manifest_blob edge on edge.manifest_id = m.id and edge.role = 'config' join blob on blob.id = edge.blob_id
    where not m.platform_read and blob.stored_at is not null and exists (
        select from membership b where b.kind = 'blob' and b.content_id = blob.id and ${isInVersion('b', version)})
      and ${isHeld(sql`${version.repositoryId}::bigint`, sql`blob.id`)} and ${hasDocumentsOnly('m')} and ${hasImageConfig('m')}
    order by m.id limit ${unreadMost}`;
}

/** The start of the search, and whether references count. */
function starts(version: VersionKey, question: TrustedQuestion): RawBuilder<unknown> {
  if ('digest' in question)
    return sql`
      select manifest.id, true from manifest
        join membership m on m.kind = 'manifest' and m.content_id = manifest.id and ${isInVersion('m', version)}
      where manifest.digest = ${question.digest}`;
  if ('blob' in question)
    return sql`
      select distinct edge.manifest_id, true from blob join manifest_blob edge on edge.blob_id = blob.id
        join membership m on m.kind = 'manifest' and m.content_id = edge.manifest_id and ${isInVersion('m', version)}
      where blob.digest = ${question.blob}`;
  return sql`
    select t.manifest_id, t.name ~ ${companionPattern} from tag_membership t
    where t.name = ${question.tag} and ${isInVersion('t', version)}`;
}
