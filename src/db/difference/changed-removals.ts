import { sql } from 'kysely';
import { companionSuffixes, parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { TagFilter } from '../../selection/tag-filter.ts';
import { companionTagOf } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { listedNames } from '../staging/selected-graph.ts';
import { findRead, parseReferrerRoot } from '../staging/stage-companions.ts';
import { stageTags } from '../staging/stage-tags.ts';

interface Sync {
  readonly taskId: number;
  readonly repositoryId: number;
}

/**
 * What `stageRemovals` stages, for a sync that takes a difference: companions and referrers of the manifests that were asked for. Removed tags
 * are staged with the difference.
 */
export async function stageChangedRemovals(em: Em, sync: Sync, filter: TagFilter): Promise<void> {
  const companions = await readUnselectedCompanions(em, sync);
  const outside = companions.filter((name) => !filter.matches(name));
  const roots = await readUnlistedReferrers(em, sync);
  const read = await findRead(em, sync.taskId, [
    ...outside.map(subjectOf),
    ...roots.map(({ name }) => referred(name)),
  ]);
  const gone = outside.filter((name) => read.has(subjectOf(name)));
  await stageTags(
    em,
    sync.taskId,
    gone.map((name) => ({ name, manifestId: null })),
  );
  const goneRoots = roots.filter(({ name }) => read.has(referred(name)));
  await sql`
    insert into sync_root (task_id, manifest_id, name, is_removed)
    select ${sync.taskId}, manifest_id, name, true
    from unnest(${goneRoots.map(({ manifestId }) => manifestId)}::bigint[], ${goneRoots.map(({ name }) => name)}::text[])
      as v(manifest_id, name)
    on conflict do nothing`.execute(kysely(em));
}

async function readUnselectedCompanions(em: Em, { taskId, repositoryId }: Sync): Promise<string[]> {
  const found = await sql<{ name: string }>`
    select distinct t.name from sync_asked a join manifest m on m.id = a.manifest_id
      cross join unnest(${[...companionSuffixes]}::text[]) as suffix
      join tag_membership t on t.repository_id = ${repositoryId} and t.name = ${companionTagOf(sql`m.digest`, sql`suffix`)}
        and t.removed_in is null
    where a.task_id = ${taskId} and t.name not in (${listedNames(taskId)})
      and not exists (select from sync_companion c where c.task_id = ${taskId} and c.name = t.name and c.is_selected)
    order by t.name`.execute(kysely(em));
  return found.rows.map(({ name }) => name);
}

async function readUnlistedReferrers(
  em: Em,
  { taskId, repositoryId }: Sync,
): Promise<{ readonly manifestId: number; readonly name: string }[]> {
  const found = await sql<{ manifestId: number; name: string }>`
    select r.manifest_id as "manifestId", r.name from sync_asked a join manifest m on m.id = a.manifest_id
      join manifest s on s.subject_digest = m.digest
      join root_membership r on r.repository_id = ${repositoryId} and r.manifest_id = s.id and r.name = '@' || m.digest
        and r.removed_in is null
    where a.task_id = ${taskId} and not exists (select from sync_root staged where staged.task_id = ${taskId}
      and staged.manifest_id = r.manifest_id and staged.name = r.name and not staged.is_removed)
    order by r.manifest_id, r.name`.execute(kysely(em));
  return found.rows;
}

function subjectOf(companion: string): string {
  return parseCompanionTag(companion)?.subject ?? '';
}

function referred(root: string): string {
  return parseReferrerRoot(root) ?? '';
}
