import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { rootRows } from './stage-tags.ts';
import type { StagedRoot } from './stage-tags.ts';
import { kysely } from '../sql.ts';

/* What a mirror sync has staged for removal, as it is looked at once more before the commit. */

interface Sync {
  readonly taskId: number;
  readonly repositoryId: number;
}

/** Not counted: they come and go with their images. */
const isCompanion = sql`t.name ~ '^sha(256|512)-[0-9a-f]+(\\.(sig|att|sbom))?$'`;

/** Tags of the latest version, companion tags not counted, and how many of them would go. */
export async function countRemovals(
  em: Em,
  { taskId, repositoryId }: Sync,
): Promise<{ readonly present: number; readonly removed: number }> {
  const result = await sql<{ present: number; removed: number }>`
    select count(*) as present, count(s.name) as removed
    from tag_membership t
    left join sync_tag s on s.task_id = ${taskId} and s.name = t.name and s.manifest_id is null
    where t.repository_id = ${repositoryId} and t.removed_in is null and not (${isCompanion})`.execute(
    kysely(em),
  );
  return result.rows[0] ?? { present: 0, removed: 0 };
}

/** All of a repository's tags, or more than half where it has ten or more (fault 30). */
export function isMassRemoval(present: number, removed: number): boolean {
  return removed > 0 && (removed === present || (present >= 10 && removed > present / 2));
}

/** Tags that would go, in order of name. */
export async function readTagRemovals(
  em: Em,
  { taskId, repositoryId }: Sync,
  after: string,
  first: number,
): Promise<string[]> {
  const result = await sql<{ name: string }>`
    select s.name from sync_tag s join tag_membership t on t.repository_id = ${repositoryId} and t.name = s.name and t.removed_in is null
    where s.task_id = ${taskId} and s.manifest_id is null and s.name collate "C" > ${after}
    order by s.name collate "C" limit ${first}`.execute(kysely(em));
  return result.rows.map((row) => row.name);
}

export interface RootRemoval {
  readonly manifestId: number;
  readonly name: string;
  readonly digest: Digest;
}

/**
 * Untagged manifests that would go because upstream is said not to have them: referrers, and digests that are asked for. What is untagged
 * here because its tag has moved, or its digest is not asked for any more, goes whatever upstream has.
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

/** Takes these off what goes. */
export async function keepRoots(em: Em, taskId: number, roots: readonly StagedRoot[]): Promise<void> {
  if (roots.length === 0) return;
  await sql`
    delete from sync_root s
    using ${rootRows(roots)}
    where s.task_id = ${taskId} and s.is_removed and s.manifest_id = v.manifest_id and s.name = v.name`.execute(
    kysely(em),
  );
}
