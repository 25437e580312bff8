import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isSignatureTag, subjectOfTag } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { confirmTags } from '../tag-checks/tag-checks.ts';
import { tellEnding } from '../tasks/task-endings.ts';
import { tellSyncEnds } from '../webhooks/record-events.ts';

/** What a sync that changes nothing has counted. */
export interface UnchangedSync {
  readonly taskId: number;
  /** The version that the look has compared. */
  readonly latest: number;
  /** The selected tags. */
  readonly tags: readonly string[];
  /** Whether the time of this check of the tags is recorded. */
  readonly areTagsChecked: boolean;
  readonly filtered: number;
  readonly beyondNewest: number;
  /** The manifests of the selected tags, and of their companions. */
  readonly manifestIds: readonly number[];
  /** What the upstream announced with its list of tags. */
  readonly state?: string | undefined;
}

/**
 * Completes the task of a sync in which a look has found nothing to do, with the counts that its stages would have. One statement.
 * @returns false if the version or the signature policy is another one by now, or a later attempt has begun. Then nothing is written.
 */
export async function completeUnchanged(em: Em, sync: UnchangedSync): Promise<boolean> {
  const { taskId, latest, filtered, beyondNewest, manifestIds, state = null } = sync;
  const tags = sync.tags.length;
  const confirmed = sync.areTagsChecked ? [...sync.tags] : [];
  const ended = await sql`
    with locked as materialized (${lockUnchanged(taskId, latest)}),
    reach as materialized (select m.* from manifest m, locked where m.id = any(${[...manifestIds]}::bigint[])),
    totals as materialized (
      select (select count(*) from reach where reach.raw is not null) as manifests, (${countSignatures()}) as signatures,
        count(*) as blobs, coalesce(sum(size_bytes), 0)::bigint as bytes from (${presentBlobs()}) as blob
    ),
    counted as (
      insert into task_tag_count (task_id, outcome, count)
      select locked.id, v.outcome, v.count from locked,
        (values ('UNCHANGED', ${tags}::int), ('FILTERED', ${filtered}::int), ('BEYOND_NEWEST', ${beyondNewest}::int)) as v(outcome, count)
      where v.count > 0 or v.outcome = 'UNCHANGED'
    ),
    progress as (
      insert into task_progress (task_id, stage, part, tags_done, manifests_done, blobs_done, blobs_reused, bytes_done, bytes_reused,
        signatures_done)
      select locked.id, 'COMMITTING', 0, ${tags}::int, manifests, blobs, blobs, bytes, bytes, signatures from locked, totals
    ),
    confirmed as (${confirmTags(sql`
      select locked.repository_id, v.name, locked.started_at from locked, unnest(${confirmed}::text[]) as v(name) order by v.name`)}
    ),
    mirrored as (
      update repository set is_mirrored = true from locked where repository.id = locked.repository_id and not is_mirrored
    ),
    ended as (
      update task set state = 'COMPLETED', stage = 'FINISHED', finished_at = now(), tags_total = ${tags}::int,
        manifests_total = totals.manifests, blobs_total = totals.blobs, bytes_total = totals.bytes,
        upstream_state = ${state}, listed_at = now()
      from locked, totals where task.id = locked.id
      returning task.*, ${tellEnding}
    ),
    told as (${tellSyncEnds(sql`ended`)})
    select from ended`.execute(kysely(em));
  return ended.rows.length > 0;
}

/** The task and its repository, if nothing has changed since the look. */
export function lockUnchanged(taskId: number, latest: number): RawBuilder<unknown> {
  return sql`
    select task.id, task.repository_id, task.started_at from task
      join repository on repository.id = task.repository_id join remote on remote.id = task.remote_id
    where task.id = ${taskId} and task.state = 'RUNNING' and task.listing is null and task.fence = repository.fence
      and repository.latest = ${latest} and remote.signature_policy_id is null and repository.signature_policy_id is null
    for update of repository, task`;
}

/** The stored blobs of the version. Whatever a sync would fetch is stored. */
function presentBlobs(): RawBuilder<unknown> {
  return sql`
    select edge.blob_id, coalesce(max(edge.size_bytes) filter (where not edge.is_foreign), max(edge.size_bytes)) as size_bytes
    from locked, reach join manifest_blob edge on edge.manifest_id = reach.id join blob on blob.id = edge.blob_id
    where blob.stored_at is not null and exists (select from membership p where p.repository_id = locked.repository_id
      and p.kind = 'blob' and p.content_id = blob.id and p.removed_in is null)
    group by edge.blob_id`;
}

/** Signing manifests, by their subjects and by their tags. */
function countSignatures(): RawBuilder<unknown> {
  return sql`
    select count(*) from (
      select reach.id, reach.subject_digest as signed from reach where reach.is_signature
      union
      select t.manifest_id, ${subjectOfTag(sql`t.name`)} from locked
        join tag_membership t on t.repository_id = locked.repository_id and t.removed_in is null
        join reach on reach.id = t.manifest_id where ${isSignatureTag(sql`t.name`)}
    ) as signing where signed in (select reach.digest from reach)`;
}
