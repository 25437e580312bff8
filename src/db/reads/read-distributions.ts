import { sql } from 'kysely';
import { Distribution } from '../schema/distributions.ts';
import type { Em } from '../open-database.ts';
import { toPage, toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { countByParent, countRows } from './counts.ts';
import { kysely } from '../sql.ts';
import { isVisible, nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** In the order of the ids; undefined if absent. */
export async function readDistributions(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(Distribution | undefined)[]> {
  const rows = await em.find(Distribution, { id: { $in: [...ids] } });
  const seen = rows.filter((row) => isVisible(visibility, row.basePath));
  const byId = new Map(seen.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export async function findDistributionId(em: Em, basePath: string): Promise<number | undefined> {
  const found = await kysely(em)
    .selectFrom('distribution')
    .select('id')
    .where('base_path', '=', basePath)
    .execute();
  return found[0]?.id;
}

/** Ordered by base path. */
export async function readDistributionPage(
  em: Em,
  visibility: Visibility,
  page: { readonly first: number; readonly after: string | undefined },
): Promise<Page<{ readonly id: number }>> {
  const found = await sql<{ id: number }>`
    select id from distribution where base_path > ${page.after ?? ''} and ${nameVisible(sql`base_path`, visibility)}
    order by base_path limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export function countDistributions(em: Em, visibility: Visibility): Promise<number> {
  return countRows(em, 'distribution', nameVisible(sql`base_path`, visibility));
}

/**
 * A change of the target. Repositories are null once deleted; versions are null if the target followed the latest.
 */
export interface DistributionMoveRow {
  readonly id: number;
  readonly movedAt: Date;
  readonly fromRepositoryId: number | null;
  readonly fromVersion: number | null;
  readonly toRepositoryId: number | null;
  readonly toVersion: number | null;
}

export interface MovePageArguments {
  readonly first: number;
  /** Id of the last move of the previous page; newest first. */
  readonly after: number | undefined;
}

export async function readMovePages(
  em: Em,
  distributionIds: readonly number[],
  page: MovePageArguments,
): Promise<Page<DistributionMoveRow>[]> {
  const found = await sql<DistributionMoveRow & { n: number }>`
    select p.n, m.* from unnest(${distributionIds}::bigint[]) with ordinality as p(distribution_id, n)
    cross join lateral (
      select id, moved_at as "movedAt", from_repository_id as "fromRepositoryId", from_version as "fromVersion",
        to_repository_id as "toRepositoryId", to_version as "toVersion"
      from distribution_move m
      where m.distribution_id = p.distribution_id and m.id < ${page.after ?? Number.MAX_SAFE_INTEGER}
      order by m.id desc limit ${page.first + 1}
    ) as m order by p.n, m.id desc`.execute(kysely(em));
  const rows = found.rows.map((row) => ({ ...row, movedAt: new Date(row.movedAt) }));
  return toPages(rows, distributionIds.length, page.first);
}

export function countMoves(em: Em, distributionIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'distribution_move', 'distribution_id', distributionIds);
}
