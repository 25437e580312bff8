import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../../open-database.ts';
import { toPages } from '../read-page.ts';
import type { Page } from '../read-page.ts';
import type { VersionKey } from '../read-versions.ts';
import { isIn } from '../../versions/memberships.ts';
import { kysely } from '../../sql.ts';
import { repositoryVisible } from '../../access/visibility.ts';
import type { Visibility } from '../../access/visibility.ts';

/** The content of a version, or its additions or removals. */
export type ContentChange = 'PRESENT' | 'ADDED' | 'REMOVED';

export interface TagRow {
  readonly repositoryId: number;
  readonly name: string;
  /** The version that added the row. It is the row's key, with repository and name. */
  readonly addedIn: number;
  readonly manifestId: number;
  readonly digest: string;
  readonly mediaType: string;
}

export interface TagPageArguments {
  readonly first: number;
  /** Name of the last tag of the previous page. */
  readonly after: string | undefined;
  readonly change: ContentChange;
  /** From `wildcardToRegex`; null matches nothing, undefined matches everything. */
  readonly nameRegex: string | null | undefined;
}

const tagColumns = sql`t.repository_id as "repositoryId", t.name, t.added_in as "addedIn", t.manifest_id as "manifestId",
  m.digest, m.media_type as "mediaType"`;

/** Whether the membership row `t` belongs to version `p.number`. */
export function inVersion(change: ContentChange): RawBuilder<unknown> {
  switch (change) {
    case 'PRESENT':
      return isIn('t', sql`p.number`);
    case 'ADDED':
      return sql`t.added_in = p.number`;
    case 'REMOVED':
      return sql`t.removed_in = p.number`;
  }
}

/** The versions as rows `p(repository_id, number, n)`. */
export function versionRows(keys: readonly VersionKey[]): RawBuilder<unknown> {
  return sql`unnest(${keys.map((key) => key.repositoryId)}::bigint[], ${keys.map((key) => key.number)}::int[])
    with ordinality as p(repository_id, number, n)`;
}

function nameMatches(nameRegex: string | null | undefined): RawBuilder<unknown> {
  if (nameRegex === null) return sql`false`;
  return nameRegex === undefined ? sql`true` : sql`t.name ~ ${nameRegex}`;
}

/** Ordered by name, in one statement. */
export async function readTagPages(
  em: Em,
  versions: readonly VersionKey[],
  page: TagPageArguments,
): Promise<Page<TagRow>[]> {
  const found = await sql<TagRow & { n: number }>`
    select p.n, t.* from ${versionRows(versions)}
    cross join lateral (
      select ${tagColumns} from tag_membership t join manifest m on m.id = t.manifest_id
      where t.repository_id = p.repository_id and ${inVersion(page.change)} and t.name > ${page.after ?? ''}
        and ${nameMatches(page.nameRegex)}
      order by t.name limit ${page.first + 1}
    ) as t order by p.n, t.name`.execute(kysely(em));
  return toPages(found.rows, versions.length, page.first);
}

export async function countTags(
  em: Em,
  versions: readonly VersionKey[],
  filter: Pick<TagPageArguments, 'change' | 'nameRegex'>,
): Promise<number[]> {
  const found = await sql<{ n: number; count: number }>`
    select p.n, c.count from ${versionRows(versions)}
    cross join lateral (
      select count(*) as count from tag_membership t
      where t.repository_id = p.repository_id and ${inVersion(filter.change)} and ${nameMatches(filter.nameRegex)}
    ) as c`.execute(kysely(em));
  const byPlace = new Map(found.rows.map((row) => [row.n, row.count]));
  return versions.map((_, index) => byPlace.get(index + 1) ?? 0);
}

export async function readVersionTags(
  em: Em,
  keys: readonly (VersionKey & { readonly name: string })[],
): Promise<(TagRow | undefined)[]> {
  const found = await sql<TagRow & { n: number }>`
    select p.n, ${tagColumns}
    from unnest(${keys.map((key) => key.repositoryId)}::bigint[], ${keys.map((key) => key.number)}::int[],
      ${keys.map((key) => key.name)}::text[]) with ordinality as p(repository_id, number, name, n)
    join tag_membership t on t.repository_id = p.repository_id and t.name = p.name collate "C" and ${inVersion('PRESENT')}
    join manifest m on m.id = t.manifest_id`.execute(kysely(em));
  const byPlace = new Map(found.rows.map((row) => [row.n, row]));
  return keys.map((_, index) => byPlace.get(index + 1));
}

export async function findTag(
  em: Em,
  visibility: Visibility,
  key: { readonly repositoryId: number; readonly addedIn: number; readonly name: string },
): Promise<TagRow | undefined> {
  const found = await sql<TagRow>`
    select ${tagColumns} from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${key.repositoryId} and t.name = ${key.name} and t.added_in = ${key.addedIn}
      and ${repositoryVisible(sql`t.repository_id`, visibility)}`.execute(kysely(em));
  return found.rows[0];
}
