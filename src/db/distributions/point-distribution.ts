import { sql } from 'kysely';
import type { Identity } from '../schema/columns/identity.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** A version of a repository; null follows the latest. */
export interface DistributionTarget {
  readonly repositoryId: number;
  readonly version: number | null;
}

export interface LockedDistribution extends DistributionTarget {
  readonly id: number;
  readonly basePath: string;
  /** Whether it is at its repository's own name: it is deleted with the repository. */
  readonly isOwn: boolean;
  readonly pullThrough: boolean;
}

/**
 * Locks the target against deletion. Call it before `lockDistribution`: the deletion of a repository locks in the same
 * order.
 * @returns whether the target exists.
 */
export async function lockTarget(em: Em, target: DistributionTarget): Promise<boolean> {
  const db = kysely(em);
  const repository = await sql`
    select from repository where id = ${target.repositoryId} for key share`.execute(db);
  if (repository.rows.length === 0 || target.version === null) return repository.rows.length > 0;
  const version = await sql`
    select from repository_version where repository_id = ${target.repositoryId} and number = ${target.version}
    for key share`.execute(db);
  return version.rows.length > 0;
}

export async function lockDistribution(em: Em, id: number): Promise<LockedDistribution | undefined> {
  const db = kysely(em);
  // Locked first, then joined: a join that waited for the lock would read the old repository and find no row.
  await sql`select from distribution where id = ${id} for update`.execute(db);
  const found = await sql<LockedDistribution>`
    select d.id, d.base_path as "basePath", d.repository_id as "repositoryId", d.version, r.name = d.base_path as "isOwn",
      d.pull_through as "pullThrough"
    from distribution d join repository r on r.id = d.repository_id where d.id = ${id}`.execute(db);
  return found.rows[0];
}

/** Sets the target of a locked distribution for a caller, and records a changed target in the history. */
export async function moveDistribution(
  em: Em,
  distribution: LockedDistribution,
  target: DistributionTarget,
  pointedBy: Identity,
): Promise<void> {
  const db = kysely(em);
  // Also for an unchanged target: the previous caller may have lost the right to it.
  await sql`update distribution set pointed_by = ${JSON.stringify(pointedBy)}::jsonb where id = ${distribution.id}`.execute(
    db,
  );
  if (distribution.repositoryId === target.repositoryId && distribution.version === target.version) return;
  await db
    .updateTable('distribution')
    .set({ repository_id: target.repositoryId, version: target.version, updated_at: sql`now()` })
    .where('id', '=', distribution.id)
    .execute();
  await sql`
    insert into distribution_move (distribution_id, from_repository_id, from_version, to_repository_id, to_version)
    values (${distribution.id}, ${distribution.repositoryId}, ${distribution.version}, ${target.repositoryId},
      ${target.version})`.execute(db);
}

/** Pull-through needs a remote. */
export async function hasRemote(em: Em, repositoryId: number): Promise<boolean> {
  const found = await sql`
    select from repository where id = ${repositoryId} and remote_id is not null`.execute(kysely(em));
  return found.rows.length > 0;
}

/**
 * The first base paths, other than its own name, that serve a repository or version, among the visible ones; and their
 * number.
 */
export async function readOtherDistributions(
  em: Em,
  visibility: Visibility,
  repositoryId: number,
): Promise<{ readonly basePaths: readonly string[]; readonly count: number }> {
  const found = await sql<{ basePath: string; total: number; isSeen: boolean }>`
    select d.base_path as "basePath", count(*) over () as total, ${nameVisible(sql`d.base_path`, visibility)} as "isSeen"
    from distribution d join repository r on r.id = d.repository_id
    where d.repository_id = ${repositoryId} and d.base_path <> r.name order by "isSeen" desc, d.base_path limit 3`.execute(
    kysely(em),
  );
  const seen = found.rows.filter((row) => row.isSeen);
  return { basePaths: seen.map((row) => row.basePath), count: found.rows[0]?.total ?? 0 };
}
