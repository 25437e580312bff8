import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { absentRows, isKeptBySync, isKeptIn } from '../content/absences.ts';
import type { AbsentEntry } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import { selectedGraph } from '../staging/selected-graph.ts';
import type { Draft } from './draft.ts';
import { isInVersion, isPresent, newRoots } from './memberships.ts';

/*
 * Which children of its indexes a version lacks. Written before the content of the version, which follows from it; `dropUnused` afterwards
 * removes the rows of indexes that are not in the version.
 */

/** Those of a sync, for the indexes that it takes. Other indexes keep what they have and lack. */
export async function writeStaged(em: Em, draft: Draft, taskId: number): Promise<void> {
  const { repositoryId } = draft;
  const any = await sql`
    select where exists (select from sync_absent s where s.task_id = ${taskId})
      or exists (select from absent_child a where a.repository_id = ${repositoryId} and a.removed_in is null)`.execute(
    kysely(em),
  );
  // the walk below is not free
  if (any.rows.length === 0) return;
  const staged = sql`select s.parent_id, s.position, s.reason from sync_absent s where s.task_id = ${taskId}`;
  const isConcerned = sql`exists (select from sync_absent s where s.task_id = ${taskId} and s.parent_id = taken.id)
    or exists (select from absent_child a where a.repository_id = ${repositoryId} and a.parent_id = taken.id and a.removed_in is null)`;
  const found = await sql<{ id: number }>`
    with recursive ${selectedGraph(taskId)},
    taken(id) as (
      select s.manifest_id from selected_tag s where not exists (
        select from sync_tag kept where kept.task_id = ${taskId} and kept.name = s.name and kept.outcome is not null)
      union
      select manifest_id from sync_root where task_id = ${taskId} and not is_removed and outcome is null
      union
      select edge.child_id from taken join manifest_manifest edge on edge.parent_id = taken.id and ${isKeptBySync(taskId)}
    )
    select id from taken where ${isConcerned}`.execute(kysely(em));
  const parents = found.rows.map(({ id }) => id);
  const isReplaced = sql`a.parent_id = any(${parents}::bigint[])`;
  if (parents.length > 0) await replaceAbsences(em, draft, { isReplaced, wish: staged });
}

/** Those of a pull, for indexes that the repository does not have yet. */
export async function writePulled(em: Em, draft: Draft, entries: readonly AbsentEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await addAbsences(
    em,
    draft,
    sql`select v.* from ${absentRows(entries)} where not ${isPresent(draft, 'manifest', sql`v.parent_id`)}`,
  );
}

/**
 * Those of copied content. A child that either side has is in the copy.
 * @param chosen The copied manifests, as `manifest_id`.
 */
export async function copyAbsences(
  em: Em,
  draft: Draft,
  source: VersionKey,
  chosen: RawBuilder<unknown>,
): Promise<void> {
  const copied = sql`(with recursive ${reachFrom(sql`${newRoots(draft)} union ${chosen}`, isKeptIn(source))} select id from reach)`;
  await sql`
    update absent_child a set removed_in = ${draft.number}
    where a.repository_id = ${draft.repositoryId} and a.removed_in is null and a.parent_id in ${copied}
      and not exists (select from absent_child b where ${isInVersion('b', source)} and b.parent_id = a.parent_id
        and b.position = a.position)`.execute(kysely(em));
  await addAbsences(
    em,
    draft,
    sql`select b.parent_id, b.position, b.reason from absent_child b
      where ${isInVersion('b', source)} and b.parent_id in ${copied}
        and not ${isPresent(draft, 'manifest', sql`b.parent_id`)}`,
  );
}

/** Those of an earlier version of the repository. */
export function restoreAbsences(em: Em, draft: Draft, version: VersionKey): Promise<void> {
  return replaceAbsences(em, draft, {
    isReplaced: sql`true`,
    wish: sql`select b.parent_id, b.position, b.reason from absent_child b where ${isInVersion('b', version)}`,
  });
}

interface Replacement {
  /** Whether the entries of the index `a.parent_id` are replaced. */
  readonly isReplaced: RawBuilder<unknown>;
  /** A query of `parent_id`, `position` and `reason`. */
  readonly wish: RawBuilder<unknown>;
}

async function replaceAbsences(em: Em, draft: Draft, { isReplaced, wish }: Replacement): Promise<void> {
  await sql`
    update absent_child a set removed_in = ${draft.number}
    where a.repository_id = ${draft.repositoryId} and a.removed_in is null and ${isReplaced}
      and not exists (select from (${wish}) as w where w.parent_id = a.parent_id and w.position = a.position
        and w.reason = a.reason)`.execute(kysely(em));
  await addAbsences(em, draft, sql`select a.* from (${wish}) as a where ${isReplaced}`);
}

async function addAbsences(
  em: Em,
  { repositoryId, number }: Draft,
  query: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    insert into absent_child (repository_id, parent_id, position, reason, added_in)
    select ${repositoryId}, w.parent_id, w.position, w.reason, ${number} from (${query}) as w
    where not exists (select from absent_child p where p.repository_id = ${repositoryId} and p.parent_id = w.parent_id
      and p.position = w.position and p.removed_in is null)
    order by w.parent_id, w.position`.execute(kysely(em));
}

/** Indexes that left, or were not published, lack nothing. */
export async function dropUnused(em: Em, draft: Draft): Promise<void> {
  const { repositoryId, number } = draft;
  const isUnused = sql`a.repository_id = ${repositoryId} and not ${isPresent(draft, 'manifest', sql`a.parent_id`)}`;
  await sql`delete from absent_child a where a.added_in = ${number} and ${isUnused}`.execute(kysely(em));
  await sql`
    update absent_child a set removed_in = ${number} from membership gone
    where gone.repository_id = ${repositoryId} and gone.kind = 'manifest' and gone.removed_in = ${number}
      and a.parent_id = gone.content_id and a.removed_in is null and ${isUnused}`.execute(kysely(em));
}
