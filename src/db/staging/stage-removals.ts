import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { rootRows } from './stage-tags.ts';
import type { StagedRoot } from './stage-tags.ts';
import { companionPattern } from '../content/companion-tags.ts';
import { kysely } from '../sql.ts';

/* The removals of a mirror sync, which are checked once more before the commit. */

interface Sync {
  readonly taskId: number;
  readonly repositoryId: number;
}

/** Companions come and go with their images, so they are not counted. */
const isCompanion = sql`t.name ~ ${companionPattern}`;

const isRemoval = sql`s.manifest_id is null and s.outcome is null`;

/** Whether a sync with pruneFiltered removes the staged tag `s` because the remote takes none of its platforms. */
export function isPruned(prunes: boolean): RawBuilder<unknown> {
  return sql`(${prunes}::boolean and s.outcome = 'NO_PLATFORM')`;
}

/** The removed tags, and all of the latest version if there are any, without companions. */
export async function countRemovals(
  em: Em,
  { taskId, repositoryId }: Sync,
  prunes: boolean,
): Promise<{ readonly present: number; readonly removed: number }> {
  const isPresent = sql`t.repository_id = ${repositoryId} and t.removed_in is null and not (${isCompanion})`;
  const result = await sql<{ present: number; removed: number }>`
    select removed, case when removed > 0 then (select count(*) from tag_membership t where ${isPresent}) else 0 end as present
    from (select count(*) as removed from sync_tag s join tag_membership t on t.name = s.name
      where s.task_id = ${taskId} and (${isRemoval} or ${isPruned(prunes)}) and ${isPresent}) as counted`.execute(
    kysely(em),
  );
  return result.rows[0] ?? { present: 0, removed: 0 };
}

/** All tags of a repository, or more than half of at least ten (fault 30). */
export function isMassRemoval(present: number, removed: number): boolean {
  return removed > 0 && (removed === present || (present >= 10 && removed > present / 2));
}

/** Removed tags, ordered by name. */
export async function readTagRemovals(
  em: Em,
  { taskId, repositoryId }: Sync,
  after: string,
  first: number,
): Promise<string[]> {
  const result = await sql<{ name: string }>`
    select s.name from sync_tag s join tag_membership t on t.repository_id = ${repositoryId} and t.name = s.name and t.removed_in is null
    where s.task_id = ${taskId} and ${isRemoval} and s.name collate "C" > ${after}
    order by s.name collate "C" limit ${first}`.execute(kysely(em));
  return result.rows.map((row) => row.name);
}

export interface RootRemoval {
  readonly manifestId: number;
  readonly name: string;
  readonly digest: Digest;
}

/**
 * Referrers and requested digests that the upstream no longer has. Other untagged manifests are removed in any case.
 */
export async function readRootRemovals(
  em: Em,
  sync: { readonly taskId: number; readonly digests: readonly Digest[] },
  after: { readonly manifestId: number; readonly name: string },
  first: number,
): Promise<RootRemoval[]> {
  const result = await sql<RootRemoval>`
    select s.manifest_id as "manifestId", s.name, m.digest from sync_root s join manifest m on m.id = s.manifest_id
    where s.task_id = ${sync.taskId} and s.is_removed and (s.name like '@%' or s.name = any(${sync.digests}::text[]))
      and (s.manifest_id, s.name) > (${after.manifestId}, ${after.name})
    order by s.manifest_id, s.name limit ${first}`.execute(kysely(em));
  return result.rows;
}

export async function keepRoots(em: Em, taskId: number, roots: readonly StagedRoot[]): Promise<void> {
  if (roots.length === 0) return;
  await sql`
    delete from sync_root s
    using ${rootRows(roots)}
    where s.task_id = ${taskId} and s.is_removed and s.manifest_id = v.manifest_id and s.name = v.name`.execute(
    kysely(em),
  );
}
