import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { preferred } from '../content/meaning.ts';
import { isHeld } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { executePrepared } from '../connection/prepared.ts';
import type { Page } from './read-page.ts';
import type { VersionKey } from './read-versions.ts';
import { isInVersion } from '../versions/memberships.ts';
import { kysely } from '../sql.ts';
import { uploadKeptHours } from '../content/uploads.ts';
import type { TagProblem } from '../schema/tag-checks.ts';
import { confirmation } from '../tag-checks/tag-checks.ts';

/*
 * Reads of the Distribution API. All of them go through the memberships of a version: content of other repositories does
 * not count (fault 75).
 */

export interface ServedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Null if it was not requested. */
  readonly raw: Buffer | null;
  /** Of a tag: null if the upstream must be asked; otherwise why the tag may be outdated, or empty. */
  readonly confirmed: TagProblem | '' | null;
}

export interface ServedManifestArguments {
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
  readonly withDocument: boolean;
  /** Chooses among several types of one digest. */
  readonly accepts?: (mediaType: string) => boolean;
  /** How long the upstream's last answer for a tag is believed. Null: `confirmed` is not read. */
  readonly tagTtlSeconds?: number | null;
}

/** By tag or digest, with its type in this version. */
export async function readServedManifest(
  em: Em,
  version: VersionKey,
  { reference, withDocument, accepts, tagTtlSeconds = null }: ServedManifestArguments,
): Promise<ServedManifest | undefined> {
  const source =
    'tag' in reference
      ? sql`tag_membership t join manifest m on m.id = t.manifest_id where t.name = ${reference.tag}`
      : sql`manifest m join membership t on t.kind = 'manifest' and t.content_id = m.id where m.digest = ${reference.digest}`;
  const confirmed =
    'tag' in reference && tagTtlSeconds !== null
      ? confirmation({ repositoryId: version.repositoryId, name: reference.tag }, tagTtlSeconds)
      : sql`null`;
  const rows = await executePrepared(
    em,
    sql<ServedManifest>`
      select m.digest, coalesce(nullif(m.media_type, ''), 'application/octet-stream') as "mediaType", m.size_bytes as "sizeBytes",
        ${withDocument ? sql`m.raw` : sql`null`} as raw, ${confirmed} as confirmed
      from ${source} and m.raw is not null and ${isInVersion('t', version)} order by ${preferred}`,
  );
  return rows.find((row) => accepts?.(row.mediaType)) ?? rows[0];
}

export interface ServedBlob {
  readonly digest: Digest;
  /** The stored size if the repository holds the blob, otherwise the claimed one. */
  readonly sizeBytes: number;
  /** Stored and held by the repository. */
  readonly isStored: boolean;
  /** Whether a remote of the repository can deliver it. */
  readonly hasSource: boolean;
  /** Whether a manifest of the version refers to it; otherwise it was uploaded. */
  readonly isReferenced: boolean;
}

/** A blob of a version that is stored or has a source; for the latest version also an upload. */
export async function readServedBlob(
  em: Em,
  version: VersionKey,
  digest: Digest,
): Promise<ServedBlob | undefined> {
  const rows = await executePrepared(
    em,
    sql<ServedBlob & { sizeBytes: number | null }>`
    select b.digest, coalesce(case when s.is_held then b.size_bytes end, ${claimedSize(version)}) as "sizeBytes",
      b.stored_at is not null and s.is_held as "isStored", s.has as "hasSource", held.is_referenced as "isReferenced"
    from blob b, lateral (select ${isHeld(sql`${version.repositoryId}::bigint`, sql`b.id`)} as is_held,
        exists (select from repository_source where repository_id = ${version.repositoryId} and blob_id = b.id
          and remote_id is not null) as has) as s,
      lateral (
        select exists (select from membership t where t.kind = 'blob' and t.content_id = b.id and ${isInVersion('t', version)}) as is_referenced
      ) as held
    where b.digest = ${digest} and ((b.stored_at is not null and s.is_held) or s.has) and (
      held.is_referenced
      or exists (select from repository_blob u join repository r on r.id = u.repository_id and r.latest = ${version.number}
        where u.repository_id = ${version.repositoryId} and u.blob_id = b.id
          and u.uploaded_at > now() - make_interval(hours => ${uploadKeptHours})))`,
  );
  return rows.find((row) => row.sizeBytes !== null);
}

/** Whether the blob is stored now, whoever has it: it may have been evicted since it was read. */
export async function isBlobStored(em: Em, digest: Digest): Promise<boolean> {
  const found = await sql`select from blob where digest = ${digest} and stored_at is not null`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/** The size that a manifest of the version claims for the blob `b`. Manifests of other repositories may lie. */
function claimedSize(version: VersionKey): RawBuilder<unknown> {
  return sql`(select e.size_bytes from manifest_blob e
    join membership t on t.kind = 'manifest' and t.content_id = e.manifest_id and ${isInVersion('t', version)}
    where e.blob_id = b.id order by e.is_foreign limit 1)`;
}

export interface ReferrerRow {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of the manifest, or its config's media type. */
  readonly artifactType: string | null;
  readonly sizeBytes: number;
  /** The referrers list contains its annotations. */
  readonly raw: Buffer;
}

export interface ReferrerPageArguments {
  readonly subject: Digest;
  readonly artifactType: string | undefined;
  readonly first: number;
  /** The maximum of bytes of a page's documents. The first is read in any case. */
  readonly maxBytes: number;
  /** Digest of the last row of the previous page. */
  readonly after: string | undefined;
}

/** Manifests with the subject, ordered by digest. */
export async function readReferrerPage(
  em: Em,
  version: VersionKey,
  page: ReferrerPageArguments,
): Promise<Page<ReferrerRow>> {
  const artifactType = sql`coalesce(m.artifact_type, (
    select media_type from manifest_blob where manifest_id = m.id and role = 'config' limit 1))`;
  const found = await sql<ReferrerRow & { matches: number }>`
    with matching as (
      select m.id, ${artifactType} as artifact_type,
        sum(m.size_bytes) over (order by m.digest) - m.size_bytes as bytes_before, count(*) over () as matches
      from manifest m join membership t on t.kind = 'manifest' and t.content_id = m.id
      where m.subject_digest = ${page.subject} and m.raw is not null and ${isInVersion('t', version)}
        and m.digest > ${page.after ?? ''}
        and ${page.artifactType === undefined ? sql`true` : sql`${artifactType} = ${page.artifactType}`}
    )
    select m.digest, coalesce(nullif(m.media_type, ''), 'application/octet-stream') as "mediaType", p.artifact_type as "artifactType",
      m.size_bytes as "sizeBytes", m.raw, p.matches
    from matching p join manifest m on m.id = p.id
    where p.bytes_before <= ${page.maxBytes} - m.size_bytes or p.bytes_before = 0
    order by m.digest limit ${page.first}`.execute(kysely(em));
  const matches = found.rows[0]?.matches ?? 0;
  return { rows: found.rows, hasNext: matches > found.rows.length };
}

/** Under a policy, not each version that has the content may serve it. */
const keptVersionsMost = 5;

/** The newest kept versions of the repository that have a manifest, or a manifest with the blob, newest first. */
export async function readKeptVersions(
  em: Em,
  repositoryId: number,
  content: { readonly digest: Digest } | { readonly blob: Digest },
): Promise<number[]> {
  const source =
    'digest' in content
      ? sql`(select id from manifest where digest = ${content.digest})`
      : // a blob of other repositories may have very many manifests
        sql`(select e.manifest_id as id from (
            select b.id from blob b join membership held on held.repository_id = ${repositoryId} and held.kind = 'blob'
              and held.content_id = b.id
            where b.digest = ${content.blob} limit 1) as own join manifest_blob e on e.blob_id = own.id)`;
  const rows = await executePrepared(
    em,
    sql<{ number: number }>`
      select distinct newest.number from ${source} as wanted
        join membership t on t.repository_id = ${repositoryId} and t.kind = 'manifest' and t.content_id = wanted.id
        cross join lateral (select v.number from repository_version v
          where v.repository_id = t.repository_id and v.number >= t.added_in and (t.removed_in is null or v.number < t.removed_in)
          order by v.number desc limit 1) as newest
      order by newest.number desc limit ${keptVersionsMost}`,
  );
  return rows.map((row) => row.number);
}
