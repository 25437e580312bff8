import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isHeld } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { toPage } from './read-page.ts';
import type { Page } from './read-page.ts';
import type { VersionKey } from './read-versions.ts';
import { kysely } from '../sql.ts';
import { isIn } from '../versions/memberships.ts';

/** Of one repository or of two. */
export interface VersionPair {
  readonly from: VersionKey;
  readonly to: VersionKey;
}

export type TagChange = 'ADDED' | 'MOVED' | 'REMOVED';

export interface VersionDiffCounts {
  readonly tagsAdded: number;
  readonly tagsMoved: number;
  readonly tagsRemoved: number;
  readonly manifestsAdded: number;
  readonly manifestsRemoved: number;
  readonly blobsAdded: number;
  readonly blobsRemoved: number;
  readonly signaturesAdded: number;
  readonly signaturesRemoved: number;
  /** Of manifests and blobs. */
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
}

export interface TagDifference {
  readonly name: string;
  readonly change: TagChange;
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

/**
 * Rows `m` of one side that may differ. Within a repository these are the rows whose range begins or ends between the
 * versions, which an index finds at any distance. A row that left and returned is in both.
 */
export function candidates({ from, to }: VersionPair, side: 'from' | 'to'): RawBuilder<unknown> {
  const { repositoryId, number } = side === 'from' ? from : to;
  const isSide = sql`m.repository_id = ${repositoryId} and ${isIn('m', number)}`;
  if (from.repositoryId !== to.repositoryId) return isSide;
  const [low, high] = [Math.min(from.number, to.number), Math.max(from.number, to.number)];
  const changed =
    number === low
      ? sql`m.removed_in > ${low} and m.removed_in <= ${high}`
      : sql`m.added_in > ${low} and m.added_in <= ${high}`;
  return sql`${isSide} and ${changed}`;
}

export function tagDifferences(pair: VersionPair, condition = sql`true`): RawBuilder<unknown> {
  return sql`
    select coalesce(o.name, n.name) as name, o.manifest_id as old_id, n.manifest_id as new_id,
      case when o.name is null then 'ADDED' when n.name is null then 'REMOVED' else 'MOVED' end as change
    from (select m.name, m.manifest_id from tag_membership m where ${candidates(pair, 'from')} and ${condition}) as o
      full join (select m.name, m.manifest_id from tag_membership m where ${candidates(pair, 'to')} and ${condition}) as n
        on n.name = o.name
    where o.manifest_id is distinct from n.manifest_id`;
}

/** In one statement. */
export async function readVersionDiff(em: Em, pair: VersionPair): Promise<VersionDiffCounts> {
  const repositoryId = sql`case when c.is_added then ${pair.to.repositoryId}::bigint else ${pair.from.repositoryId}::bigint end`;
  const held = sql`case when ${isHeld(repositoryId, sql`blob.id`)} then blob.size_bytes end`;
  const found = await sql<VersionDiffCounts>`
    with tag_change as (${tagDifferences(pair)}),
    content_change as materialized (
      select coalesce(o.kind, n.kind) as kind, coalesce(o.content_id, n.content_id) as id, o.kind is null as is_added
      from (select m.kind, m.content_id from membership m where ${candidates(pair, 'from')}) as o
        full join (select m.kind, m.content_id from membership m where ${candidates(pair, 'to')}) as n
          on n.kind = o.kind and n.content_id = o.content_id
      where o.kind is null or n.kind is null
    )
    select tags.*, content.* from (
      select count(*) filter (where change = 'ADDED') as "tagsAdded", count(*) filter (where change = 'MOVED') as "tagsMoved",
        count(*) filter (where change = 'REMOVED') as "tagsRemoved"
      from tag_change) as tags,
    (
      select count(*) filter (where c.kind = 'manifest' and c.is_added) as "manifestsAdded",
        count(*) filter (where c.kind = 'manifest' and not c.is_added) as "manifestsRemoved",
        count(*) filter (where c.kind = 'blob' and c.is_added) as "blobsAdded",
        count(*) filter (where c.kind = 'blob' and not c.is_added) as "blobsRemoved",
        count(*) filter (where c.kind = 'signature' and c.is_added) as "signaturesAdded",
        count(*) filter (where c.kind = 'signature' and not c.is_added) as "signaturesRemoved",
        coalesce(sum(coalesce(manifest.size_bytes, ${held})) filter (where c.is_added), 0)::bigint as "bytesAdded",
        coalesce(sum(coalesce(manifest.size_bytes, ${held})) filter (where not c.is_added), 0)::bigint as "bytesRemoved"
      from content_change c
        left join manifest on c.kind = 'manifest' and manifest.id = c.id
        left join blob on c.kind = 'blob' and blob.id = c.id) as content`.execute(kysely(em));
  const row = found.rows[0];
  if (row === undefined) throw new Error('a query of counts returned no row');
  return row;
}

/** Ordered by name. */
export async function readTagDifferences(
  em: Em,
  pair: VersionPair,
  page: {
    readonly first: number;
    /** Name of the last tag of the previous page. */
    readonly after: string | undefined;
    readonly change: TagChange | undefined;
  },
): Promise<Page<TagDifference>> {
  const found = await sql<TagDifference>`
    with page as materialized (
      select * from (${tagDifferences(pair, sql`m.name > ${page.after ?? ''}`)}) as d
      where ${page.change === undefined ? sql`true` : sql`change = ${page.change}`}
      order by name limit ${page.first + 1}
    )
    select page.name, page.change, o.digest as "oldDigest", n.digest as "newDigest"
    from page left join manifest o on o.id = page.old_id left join manifest n on n.id = page.new_id
    order by page.name`.execute(kysely(em));
  return toPage(found.rows, page.first);
}
