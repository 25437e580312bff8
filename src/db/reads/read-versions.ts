import { sql } from 'kysely';
import type { RepositoryVersion } from '../schema/versions.ts';
import type { Em } from '../open-database.ts';
import { toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { countByParent } from './counts.ts';
import { kysely } from '../sql.ts';
import { repositoryVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface VersionKey {
  readonly repositoryId: number;
  readonly number: number;
}

/** In one statement; undefined if absent. */
export async function readVersions(
  em: Em,
  visibility: Visibility,
  keys: readonly VersionKey[],
): Promise<(RepositoryVersion | undefined)[]> {
  const found = await sql<RepositoryVersion & { n: number }>`
    select p.n, v.repository_id as "repositoryId", v.number, v.created_at as "createdAt", v.task_id as "taskId",
      v.base_number as "baseNumber", v.counts
    from unnest(${keys.map((key) => key.repositoryId)}::bigint[], ${keys.map((key) => key.number)}::int[])
      with ordinality as p(repository_id, number, n)
    join repository_version v on v.repository_id = p.repository_id and v.number = p.number
      and ${repositoryVisible(sql`v.repository_id`, visibility)}`.execute(kysely(em));
  const byPlace = new Map(found.rows.map((row) => [row.n, { ...row, createdAt: new Date(row.createdAt) }]));
  return keys.map((_, index) => byPlace.get(index + 1));
}

export interface VersionPageArguments {
  readonly first: number;
  /** Number of the last version of the previous page; newest first. */
  readonly after: number | undefined;
}

export async function readVersionPages(
  em: Em,
  repositoryIds: readonly number[],
  page: VersionPageArguments,
): Promise<Page<{ number: number }>[]> {
  const found = await sql<{ n: number; number: number }>`
    select p.n, v.number from unnest(${repositoryIds}::bigint[]) with ordinality as p(repository_id, n)
    cross join lateral (
      select number from repository_version v
      where v.repository_id = p.repository_id and v.number < ${page.after ?? 2_147_483_647}
      order by v.number desc limit ${page.first + 1}
    ) as v order by p.n, v.number desc`.execute(kysely(em));
  return toPages(found.rows, repositoryIds.length, page.first);
}

/** Of all visible repositories, newest first. */
export async function readRecentVersions(
  em: Em,
  visibility: Visibility,
  first: number,
): Promise<VersionKey[]> {
  const found = await sql<VersionKey>`
    select v.repository_id as "repositoryId", v.number from repository_version v
    where ${repositoryVisible(sql`v.repository_id`, visibility)}
    order by v.created_at desc, v.repository_id desc, v.number desc limit ${first}`.execute(kysely(em));
  return found.rows;
}

export function countVersions(em: Em, repositoryIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'repository_version', 'repository_id', repositoryIds);
}
