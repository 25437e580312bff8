import { sql } from 'kysely';
import type { IndexEntry } from '../../selection/platforms.ts';
import type { Absences, AbsentEntry } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { Digest } from '../../oci/digest.ts';

export interface StoredEntry extends IndexEntry {
  readonly parentId: number;
  readonly position: number;
  readonly childId: number;
  /** Whether the child is stored as an index. */
  readonly isIndex: boolean;
}

/** The entries of the stored indexes among these manifests, in order. */
export async function readEntries(em: Em, ids: readonly number[]): Promise<StoredEntry[]> {
  const found = await sql<StoredEntry>`
    select e.parent_id as "parentId", e.position, e.child_id as "childId", child.digest, e.platform, e.annotates,
      coalesce(child.kind = 'index', false) as "isIndex"
    from manifest_manifest e join manifest child on child.id = e.child_id
    where e.parent_id = any(${ids}::bigint[]) order by e.parent_id, e.position`.execute(kysely(em));
  return found.rows;
}

/** Stored indexes below the roots other than these. */
export async function findOtherIndexes(
  em: Em,
  rootIds: readonly number[],
  { absences, known }: { readonly absences: Absences; readonly known: readonly number[] },
): Promise<number[]> {
  const found = await sql<{ id: number }>`
    with recursive ${reachFrom(sql`select unnest(${rootIds}::bigint[])`, absences.isKept())}
    select m.id from reach join manifest m on m.id = reach.id
    where m.kind = 'index' and m.id <> all(${known}::bigint[])`.execute(kysely(em));
  return found.rows.map(({ id }) => id);
}

/** Every entry that lists one of these manifests, as absent upstream. */
export async function entriesOf(em: Em, digests: readonly Digest[]): Promise<AbsentEntry[]> {
  const found = await sql<AbsentEntry>`
    select e.parent_id as "parentId", e.position, 'UPSTREAM' as reason
    from manifest child join manifest_manifest e on e.child_id = child.id
    where child.digest = any(${digests}::text[])`.execute(kysely(em));
  return found.rows;
}

/**
 * The roots of which the walk leaves so much out that no image, artifact or blob below them is left, and whether the upstream lacks one of
 * the entries that the rule takes.
 */
export async function findEmptyIndexes(
  em: Em,
  rootIds: readonly number[],
  absences: Absences,
): Promise<{ readonly id: number; readonly isMissing: boolean; readonly digest: Digest }[]> {
  const kept = absences.isKept();
  const found = await sql<{ id: number; isMissing: boolean; digest: Digest }>`
    with recursive tree(root, id) as (
      select m.id, m.id from manifest m where m.id = any(${rootIds}::bigint[]) and m.kind = 'index'
        and not exists (select from manifest_manifest edge join manifest child on child.id = edge.child_id
          where edge.parent_id = m.id and child.kind is distinct from 'index' and ${kept})
      union
      select tree.root, edge.child_id from tree join manifest_manifest edge on edge.parent_id = tree.id where ${kept}
    )
    select root.id, root.digest, bool_or(exists (select from manifest_manifest edge
        where edge.parent_id = tree.id and ${absences.isMissing()})) as "isMissing"
    from tree join manifest root on root.id = tree.root join manifest m on m.id = tree.id
    group by root.id, root.digest
    having bool_and(m.kind = 'index' and not exists (select from manifest_blob b where b.manifest_id = m.id))
      and bool_or(exists (select from manifest_manifest edge where edge.parent_id = tree.id and not (${kept})))`.execute(
    kysely(em),
  );
  return found.rows;
}
