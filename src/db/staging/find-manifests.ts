import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { hasFailed } from '../outcomes/failed-content.ts';
import { mayReuse } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import type { Absences } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';
import { kysely } from '../sql.ts';

export interface MissingManifest {
  readonly id: number;
  readonly digest: Digest;
  /** The media type of the descriptors that list it; empty if unknown. */
  readonly mediaType: string;
  /** One of its parents. */
  readonly parentDigest: Digest;
}

/** What a walk may read, and what it leaves out. */
export interface Walked {
  readonly reuse: Reuse;
  readonly absences: Absences;
}

/**
 * Manifests below the roots that are not stored, or that the caller may not reuse. Each node is visited once (fault 44).
 * Nothing below a manifest that may not be reused is requested: the requests would tell the upstream about it.
 * @param taskId Leaves out what has failed in this task.
 */
export async function findMissingManifests(
  em: Em,
  rootIds: readonly number[],
  { reuse, absences }: Walked,
  { taskId, limit }: { readonly taskId?: number | undefined; readonly limit: number },
): Promise<MissingManifest[]> {
  const isWalked = sql`${mayReuse('manifest', sql`reach.id`, reuse)} and ${absences.isKept()}`;
  const result = await sql<MissingManifest>`
    with recursive ${reachFrom(sql`select unnest(${rootIds}::bigint[])`, isWalked)}
    select m.id, m.digest, m.media_type as "mediaType", (select parent.digest from manifest_manifest edge join manifest parent on parent.id = edge.parent_id
      where edge.child_id = m.id and ${mayReuse('manifest', sql`parent.id`, reuse)} limit 1) as "parentDigest"
    from reach join manifest m on m.id = reach.id
    where (m.raw is null or not ${mayReuse('manifest', sql`m.id`, reuse)})
      and not ${taskId === undefined ? sql`false` : hasFailed(taskId, sql`m.id`)} order by m.id limit ${limit}`.execute(
    kysely(em),
  );
  return result.rows;
}

/**
 * The id of a stored manifest that may be reused, and that is typed or has this media type. Clears the mark of an
 * earlier collection: the grace period leaves the caller time to refer to it.
 */
export async function findStoredManifest(
  em: Em,
  digest: Digest,
  reuse: Reuse,
  mediaType?: string,
): Promise<number | undefined> {
  const result = await sql<{ id: number }>`
    with found as (
      select m.id, m.condemned_at from manifest m where m.digest = ${digest} and m.raw is not null
        and ${mayReuse('manifest', sql`m.id`, reuse)}
        and (m.is_typed or m.media_type = ${mediaType ?? null}) order by m.media_type = ${mediaType ?? null} desc nulls last limit 1
    ),
    pardoned as (
      update manifest m set condemned_at = null from found
      where m.id = found.id and found.condemned_at is not null returning m.id
    )
    select id from found where condemned_at is null union all select id from pardoned`.execute(kysely(em));
  return result.rows[0]?.id;
}

/** The roots at which a path of more than `depth` edges starts. */
export async function findDeepRoots(
  em: Em,
  rootIds: readonly number[],
  { reuse, absences }: Walked,
  depth: number,
): Promise<number[]> {
  const db = kysely(em);
  const isWalked = sql`${mayReuse('manifest', sql`reach.id`, reuse)} and ${absences.isKept()}`;
  const deep = await sql`
    with recursive reach(id, depth) as (
      select unnest(${rootIds}::bigint[]), 0
      union
      select edge.child_id, reach.depth + 1 from reach join manifest_manifest edge on edge.parent_id = reach.id
      where reach.depth <= ${depth} and ${isWalked}
    )
    select from reach where depth > ${depth} limit 1`.execute(db);
  if (deep.rows.length === 0) return [];
  const found = await sql<{ id: number }>`
    with recursive reach(root_id, id, depth) as (
      select id, id, 0 from unnest(${rootIds}::bigint[]) as id
      union
      select reach.root_id, edge.child_id, reach.depth + 1 from reach join manifest_manifest edge on edge.parent_id = reach.id
      where reach.depth <= ${depth} and ${isWalked}
    )
    select distinct root_id as id from reach where depth > ${depth}`.execute(db);
  return found.rows.map(({ id }) => id);
}
