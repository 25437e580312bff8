import { sql } from 'kysely';
import type { Identity } from '../schema/identity.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** What a distribution serves: a version of a repository, or, with null, its latest whichever that is. */
export interface DistributionTarget {
  readonly repositoryId: number;
  readonly version: number | null;
}

/** A distribution whose row the transaction holds. */
export interface LockedDistribution extends DistributionTarget {
  readonly id: number;
  readonly basePath: string;
  /** Whether it is the one at its repository's own name, which comes and goes with that. */
  readonly isOwn: boolean;
  readonly pullThrough: boolean;
}

/**
 * Holds the target, so that it cannot be deleted before the transaction ends; whether it is there. To be called before
 * `lockDistribution`: whoever deletes a repository takes its distributions after it, and two orders would wait for one another.
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
  // locked first, then joined: a join that waited for the lock would look for the repository of before, and find no row
  await sql`select from distribution where id = ${id} for update`.execute(db);
  const found = await sql<LockedDistribution>`
    select d.id, d.base_path as "basePath", d.repository_id as "repositoryId", d.version, r.name = d.base_path as "isOwn",
      d.pull_through as "pullThrough"
    from distribution d join repository r on r.id = d.repository_id where d.id = ${id}`.execute(db);
  return found.rows[0];
}

/** Lets a locked distribution lead to a locked target on somebody's behalf, and notes where it led before, where that differs. */
export async function moveDistribution(
  em: Em,
  distribution: LockedDistribution,
  target: DistributionTarget,
  pointedBy: Identity,
): Promise<void> {
  const db = kysely(em);
  // also where it leads there already: whoever pointed it before may have lost the right to
  await sql`update distribution set pointed_by = ${JSON.stringify(pointedBy)}::jsonb where id = ${distribution.id}`.execute(
    db,
  );
  if (distribution.repositoryId === target.repositoryId && distribution.version === target.version) return;
  await sql`
    update distribution set repository_id = ${target.repositoryId}, version = ${target.version}, updated_at = now()
    where id = ${distribution.id}`.execute(db);
  await sql`
    insert into distribution_move (distribution_id, from_repository_id, from_version, to_repository_id, to_version)
    values (${distribution.id}, ${distribution.repositoryId}, ${distribution.version}, ${target.repositoryId},
      ${target.version})`.execute(db);
}

/** Whether a repository has a remote of its own: nothing else can be pulled through. */
export async function hasRemote(em: Em, repositoryId: number): Promise<boolean> {
  const found = await sql`
    select from repository where id = ${repositoryId} and remote_id is not null`.execute(kysely(em));
  return found.rows.length > 0;
}

/** Base paths, other than its own name, at which a repository or a version of it is served: the first few of those that are seen, and how many. */
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
