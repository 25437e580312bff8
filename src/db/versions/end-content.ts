import { sql } from 'kysely';
import { isKeptNow } from '../content/absences.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { Draft } from './draft.ts';

/*
 * Candidates are materialized before their references are looked up: with the statistics of an empty table, the planner would choose the
 * opposite order (docs/database.md).
 */

/** Ends manifests level by level, from those that lost a tag: a manifest leaves when no present parent, tag or root refers to it. */
export async function endManifests(em: Em, { repositoryId, number }: Draft): Promise<void> {
  const db = kysely(em);
  for (;;) {
    const left = await sql`
      with candidate as materialized (
        select manifest_id as id from tag_membership where repository_id = ${repositoryId} and removed_in = ${number}
        union
        select manifest_id from root_membership where repository_id = ${repositoryId} and removed_in = ${number}
        union
        select edge.child_id from membership gone join manifest_manifest edge on edge.parent_id = gone.content_id
        where gone.repository_id = ${repositoryId} and gone.removed_in = ${number} and gone.kind = 'manifest'
        union
        select edge.child_id from absent_child a join manifest_manifest edge on edge.parent_id = a.parent_id and edge.position = a.position
        where a.repository_id = ${repositoryId} and a.added_in = ${number}
      ),
      leaving as materialized (
        select id from candidate
        where not exists (select from lateral (
            select from tag_membership t where t.repository_id = ${repositoryId} and t.manifest_id = candidate.id
              and t.removed_in is null offset 0) as tagged)
          and not exists (select from lateral (
            select from root_membership r where r.repository_id = ${repositoryId} and r.manifest_id = candidate.id
              and r.removed_in is null offset 0) as rooted)
          and not exists (select from lateral (
            select from manifest_manifest edge join membership parent on parent.repository_id = ${repositoryId}
              and parent.kind = 'manifest' and parent.content_id = edge.parent_id and parent.removed_in is null
            where edge.child_id = candidate.id and ${isKeptNow(repositoryId)} offset 0) as held)
      )
      update membership m set removed_in = ${number} from leaving
      where m.repository_id = ${repositoryId} and m.kind = 'manifest' and m.removed_in is null and m.content_id = leaving.id`.execute(
      db,
    );
    if ((left.numAffectedRows ?? 0n) === 0n) return;
  }
}

/** Ends the blobs of the manifests that left, unless a present manifest refers to them. */
export async function endBlobs(em: Em, { repositoryId, number }: Draft): Promise<void> {
  await sql`
    with candidate as materialized (
      select distinct edge.blob_id as id
      from membership gone join manifest_blob edge on edge.manifest_id = gone.content_id
      where gone.repository_id = ${repositoryId} and gone.removed_in = ${number} and gone.kind = 'manifest'
    ),
    leaving as materialized (
      select id from candidate
      where not exists (select from lateral (
        select from manifest_blob edge join membership parent on parent.repository_id = ${repositoryId}
          and parent.kind = 'manifest' and parent.content_id = edge.manifest_id and parent.removed_in is null
        where edge.blob_id = candidate.id offset 0) as held)
    )
    update membership m set removed_in = ${number} from leaving
    where m.repository_id = ${repositoryId} and m.kind = 'blob' and m.removed_in is null and m.content_id = leaving.id`.execute(
    kysely(em),
  );
}
