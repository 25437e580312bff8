import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { AbsenceReason } from '../schema/columns/absence-reasons.ts';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import { isInVersion } from '../versions/memberships.ts';

/*
 * A version may lack children of an index: those that the platforms of the remote leave out, and those that the upstream itself lacks
 * (docs/decisions/0009). The index keeps its bytes. `absent_child` has a row for each such entry, with a range of versions; `sync_absent` is
 * what a running sync will write.
 */

/** An entry of an index. */
export interface AbsentEntry {
  readonly parentId: number;
  readonly position: number;
  readonly reason: AbsenceReason;
}

/** The entries that a walk leaves out. */
export interface Absences {
  /** Whether the walk follows the row `edge` of `manifest_manifest`. */
  isKept(): RawBuilder<unknown>;
  /** Whether the upstream lacks the child of `edge`. */
  isMissing(): RawBuilder<unknown>;
  add(em: Em, entries: readonly AbsentEntry[]): Promise<void>;
}

/** Whether a version has the child of `edge`. */
export function isKeptIn(version: VersionKey): RawBuilder<unknown> {
  return isWithout(sql`absent_child`, sql`${isInVersion('a', version)}`);
}

/** The same for the version that is being made. */
export function isKeptNow(repositoryId: number): RawBuilder<unknown> {
  return isWithout(sql`absent_child`, sql`a.repository_id = ${repositoryId} and a.removed_in is null`);
}

/** The same for the version that the sync will make. */
export function isKeptBySync(taskId: number): RawBuilder<unknown> {
  return isWithout(sql`sync_absent`, sql`a.task_id = ${taskId}`);
}

function isWithout(table: RawBuilder<unknown>, which: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`not exists (select from lateral (
    select from ${table} a where ${which} and a.parent_id = edge.parent_id and a.position = edge.position offset 0) as absent)`;
}

/** The entries as rows `v(parent_id, position, reason)`. */
export function absentRows(entries: readonly AbsentEntry[]): RawBuilder<unknown> {
  return sql`unnest(${entries.map((entry) => entry.parentId)}::bigint[], ${entries.map((entry) => entry.position)}::int[],
    ${entries.map((entry) => entry.reason)}::text[]) as v(parent_id, position, reason)`;
}

/** Absences in the staging rows of a sync. */
export function stagedAbsences(taskId: number): Absences {
  return {
    isKept: () => isKeptBySync(taskId),
    isMissing:
      () => sql`exists (select from sync_absent a where a.task_id = ${taskId} and a.parent_id = edge.parent_id
      and a.position = edge.position and a.reason = 'UPSTREAM')`,
    async add(em, entries) {
      if (entries.length === 0) return;
      await sql`
        insert into sync_absent (task_id, parent_id, position, reason)
        select ${taskId}, v.* from ${absentRows(entries)} order by v.parent_id, v.position
        on conflict do nothing`.execute(kysely(em));
    },
  };
}

export interface CollectedAbsences extends Absences {
  readonly entries: readonly AbsentEntry[];
}

/** Absences of a walk outside of a sync. */
export function collectedAbsences(): CollectedAbsences {
  const entries: AbsentEntry[] = [];
  return {
    entries,
    isKept: () => sql`not exists (
      select from ${absentRows(entries)} where v.parent_id = edge.parent_id and v.position = edge.position)`,
    isMissing: () => sql`exists (select from ${absentRows(entries)}
      where v.parent_id = edge.parent_id and v.position = edge.position and v.reason = 'UPSTREAM')`,
    add(_, more) {
      entries.push(...more);
      return Promise.resolve();
    },
  };
}
