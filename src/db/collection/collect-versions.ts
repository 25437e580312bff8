import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { addToReport } from '../tasks/upkeep-tasks.ts';

export interface CollectionRun {
  readonly taskId: number;
  /** The time without a reference before removal. */
  readonly graceSeconds: number;
}

/** Repositories with a limit of versions, ordered by id. */
export async function readRetainingRepositories(em: Em, afterId: number, limit: number): Promise<number[]> {
  const found = await kysely(em)
    .selectFrom('repository')
    .select('id')
    .where('retain_versions', 'is not', null)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute();
  return found.map((row) => row.id);
}

/**
 * Removes versions beyond the repository's limit. Kept are the latest, pinned ones, and those that were the latest
 * within the grace period, because pulls may be running. One short transaction holds the lock on the repository's row.
 * @returns the number.
 */
export async function removeOldVersions(em: Em, repositoryId: number, run: CollectionRun): Promise<number> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`select from repository where id = ${repositoryId} for update`.execute(db);
    // Waits for copies from a version and for pins. The next statement sees their results.
    const old = await sql<{ number: number }>`
      select number from repository_version where repository_id = ${repositoryId} and number in (${oldVersions(repositoryId, run)})
      order by number for update`.execute(db);
    const numbers = old.rows.map((row) => row.number);
    const removed = await sql`
      delete from repository_version v where v.repository_id = ${repositoryId} and v.number = any(${numbers}::int[])
        and not exists (select from distribution d where d.repository_id = v.repository_id and d.version = v.number)`.execute(
      db,
    );
    const versions = Number(removed.numAffectedRows ?? 0n);
    await addToReport(transaction, run.taskId, { versions });
    return versions;
  });
}

/** The number of versions that `removeOldVersions` would remove. */
export async function countOldVersions(em: Em, run: CollectionRun): Promise<number> {
  const counted = await sql<{ versions: number }>`
    select count(*) as versions from repository r
      cross join lateral (${oldVersions(sql`r.id`, run)}) as old(number)
    where r.retain_versions is not null and not exists (select from distribution d
      where d.repository_id = r.id and d.version = old.number)`.execute(kysely(em));
  return counted.rows[0]?.versions ?? 0;
}

function oldVersions(repositoryId: unknown, { graceSeconds }: CollectionRun) {
  return sql`
    select ranked.number from (
      select v.number, row_number() over (order by v.number desc) as place,
        lead(v.created_at) over (order by v.number) as superseded_at
      from repository_version v where v.repository_id = ${repositoryId}
    ) as ranked
    where ranked.place > (select retain_versions from repository where id = ${repositoryId})
      and ranked.superseded_at <= now() - make_interval(secs => ${graceSeconds})`;
}

const membershipTables = ['tag_membership', 'root_membership', 'membership', 'absent_child'] as const;

/**
 * Removes memberships whose range covers no kept version. The kept versions and their differences do not change.
 * @returns whether there may be more.
 */
export async function removeUnversioned(em: Em, repositoryId: number, limit: number): Promise<boolean> {
  const db = kysely(em);
  let more = false;
  for (const table of membershipTables) {
    const removed = await sql`
      delete from ${sql.table(table)} where ctid = any(array(
        select t.ctid from ${sql.table(table)} t
        where t.repository_id = ${repositoryId} and t.removed_in is not null and not exists (select from lateral (
          select from repository_version v where v.repository_id = ${repositoryId} and v.number >= t.added_in
            and v.number < t.removed_in offset 0) as version)
        limit ${limit}))`.execute(db);
    more ||= Number(removed.numAffectedRows ?? 0n) >= limit;
  }
  return more;
}
