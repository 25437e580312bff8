import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';
import { candidates, tagDifferences } from '../read-version-diff.ts';
import type { TagChange, VersionPair } from '../read-version-diff.ts';
import type { VersionKey } from '../read-versions.ts';

/** What tells a version from another one with the same number, in a repository that was made anew or restored from a backup. */
export interface VersionMark {
  readonly number: number;
  readonly installation: string;
  readonly createdAtUs: number;
}

/** Of the kept versions among these. */
export async function readVersionMarks(
  em: Em,
  repositoryId: number,
  numbers: readonly number[],
): Promise<VersionMark[]> {
  const found = await sql<VersionMark>`
    select v.number, installation.id as installation, (extract(epoch from v.created_at) * 1000000)::bigint as "createdAtUs"
    from repository_version v cross join installation
    where v.repository_id = ${repositoryId} and v.number = any(${[...numbers]}::int[])`.execute(kysely(em));
  return found.rows;
}

export interface TagChangeRow {
  readonly kind: 'tag' | 'subject';
  /** The name of a tag, or the digest of a manifest whose list of referrers has changed. */
  readonly key: string;
  /** Of a tag. */
  readonly change: TagChange | null;
  /** Of a tag that was not removed. */
  readonly digest: string | null;
  readonly mediaType: string | null;
}

export interface TagChangePage {
  readonly first: number;
  /** The last key of the page before. */
  readonly after: string | undefined;
}

/**
 * The tags that differ between two versions of a repository, then the subjects whose referrers differ, each in the order of keys. Reads only the
 * ranges that begin or end between the versions.
 * @returns undefined if the earlier version is not kept: its ranges may be gone as well.
 */
export async function readTagChanges(
  em: Em,
  { from, to }: { readonly from: VersionKey; readonly to: VersionKey },
  { first, after }: TagChangePage,
): Promise<{ readonly rows: TagChangeRow[]; readonly hasNext: boolean } | undefined> {
  const pair = { from, to };
  // no tag has a colon
  const isAmongSubjects = after?.includes(':') === true;
  const isAfterTag = isAmongSubjects ? sql`false` : sql`m.name > ${after ?? ''}`;
  const limit = sql`limit ${first + 1}`;
  const found = await sql<{ [Key in keyof TagChangeRow]: TagChangeRow[Key] | null }>`
    with kept as materialized (
      select from repository_version where repository_id = ${from.repositoryId} and number = ${from.number}
    ),
    tag_change as materialized (
      select d.name, d.new_id, d.change from (${tagDifferences(pair, isAfterTag)}) as d order by d.name ${limit}
    ),
    subject_change as materialized (
      select distinct m.subject_digest collate "C" as digest from (${manifestDifferences(pair)}) as d join manifest m on m.id = d.id
      where m.subject_digest is not null and m.subject_digest collate "C" > ${isAmongSubjects ? after : ''}
      order by 1 ${limit}
    ),
    change as (
      select 1 as part, 'tag' as kind, t.name collate "C" as key, t.change, m.digest, m.media_type as "mediaType"
      from tag_change t left join manifest m on m.id = t.new_id
      union all
      select 2, 'subject', digest, null, null, null from subject_change
    )
    select c.kind, c.key, c.change, c.digest, c."mediaType"
    from kept left join (select * from change order by part, key ${limit}) as c on true order by c.part, c.key`.execute(
    kysely(em),
  );
  if (found.rows.length === 0) return undefined;
  const rows = found.rows.filter((row): row is TagChangeRow => row.kind !== null);
  return { rows: rows.slice(0, first), hasNext: rows.length > first };
}

/** The ids of the manifests that one version has and the other lacks. */
function manifestDifferences(pair: VersionPair): RawBuilder<unknown> {
  const side = (which: 'from' | 'to') =>
    sql`select m.content_id as id from membership m where m.kind = 'manifest' and ${candidates(pair, which)}`;
  return sql`
    select coalesce(o.id, n.id) as id from (${side('from')}) as o full join (${side('to')}) as n on n.id = o.id
    where o.id is null or n.id is null`;
}
