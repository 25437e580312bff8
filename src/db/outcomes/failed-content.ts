import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { companionPattern } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { keepCompanions } from './keep-tags.ts';
import { mayReuse } from '../staging/reuse.ts';
import type { Reuse } from '../staging/reuse.ts';
import { listedNames, selectedGraph } from '../staging/selected-graph.ts';

/* Content that the upstream cannot deliver fails the tags that need it. The other tags are committed. */

export interface ContentFailure {
  readonly kind: 'manifest' | 'blob';
  readonly contentId: number;
  readonly code: string;
  readonly reason: string;
}

/** Whether a manifest could not be fetched. Another repository may have it stored. */
export function hasFailed(taskId: number, manifestId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (select from sync_failure f where f.task_id = ${taskId} and f.kind = 'manifest' and f.content_id = ${manifestId})`;
}

/** Records content that could not be fetched. A blob counts as done, so that no attempt of this task requests it again. */
export async function recordFailure(
  em: Em,
  taskId: number,
  { kind, contentId, code, reason }: ContentFailure,
): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`
      insert into sync_failure (task_id, kind, content_id, code, reason)
      values (${taskId}, ${kind}, ${contentId}, ${code}, ${reason}) on conflict do nothing`.execute(db);
    if (kind === 'blob')
      await db
        .updateTable('sync_blob')
        .set({ is_done: true, is_absent: true })
        .where('task_id', '=', taskId)
        .where('blob_id', '=', contentId)
        .execute();
  });
}

/** Records the manifests whose sizes of a blob disagree with the stored bytes, or with each other. */
export async function recordWrongSizes(em: Em, taskId: number, reuse: Reuse, reason: string): Promise<void> {
  await sql`
    with recursive ${selectedGraph(taskId)},
    claim as (
      select edge.blob_id, edge.manifest_id, edge.size_bytes,
        case when blob.stored_at is not null and ${mayReuse('blob', sql`blob.id`, reuse)} then blob.size_bytes end as stored
      from reach join manifest_blob edge on edge.manifest_id = reach.id join blob on blob.id = edge.blob_id
      where not edge.is_foreign
    ),
    doubtful as (
      select blob_id from claim group by blob_id
      having min(size_bytes) <> max(size_bytes) or bool_or(size_bytes <> stored)
    )
    insert into sync_failure (task_id, kind, content_id, code, reason)
    select distinct ${taskId}::bigint, 'manifest', claim.manifest_id, 'SIZE_MISMATCH', ${reason}
    from claim join doubtful using (blob_id) where claim.stored is null or claim.stored <> claim.size_bytes
    on conflict do nothing`.execute(kysely(em));
}

export interface FailedTag {
  readonly name: string;
  readonly code: string;
  readonly reason: string;
  /** The digest at the upstream; null if it is unknown. */
  readonly digest: Digest | null;
  /** The digest in the repository; null if the tag is absent. */
  readonly keptDigest: Digest | null;
}

export interface Failed {
  /** The first ones, ordered by name. */
  readonly tags: readonly FailedTag[];
  readonly count: number;
  /** Tags and digests of the selection that did not fail, those that wait for their minimum age included. */
  readonly taken: number;
}

/** Marks the tags and roots whose graphs contain failed content. Idempotent. Undefined if nothing failed. */
export async function markFailedTags(em: Em, taskId: number, most: number): Promise<Failed | undefined> {
  const db = kysely(em);
  const found = await sql<{ content: boolean; tags: boolean }>`
    select exists (select from sync_failure where task_id = ${taskId}) as content,
      exists (select from sync_tag where task_id = ${taskId} and outcome = 'FAILED') as tags`.execute(db);
  const { content = false, tags = false } = found.rows[0] ?? {};
  if (content) await markFailed(em, taskId);
  if (!content && !tags) return undefined;
  await keepCompanions(em, taskId);
  return readFailed(em, taskId, most);
}

async function markFailed(em: Em, taskId: number): Promise<void> {
  await sql`
    with recursive ${selectedGraph(taskId)},
    above(id, code, reason) as (
      (
        select f.content_id, f.code, f.reason from sync_failure f join reach on reach.id = f.content_id
        where f.task_id = ${taskId} and f.kind = 'manifest'
        union
        select edge.manifest_id, f.code, f.reason from sync_failure f join manifest_blob edge on edge.blob_id = f.content_id
          join reach on reach.id = edge.manifest_id
        where f.task_id = ${taskId} and f.kind = 'blob'
      )
      union
      select edge.parent_id, above.code, above.reason from above join manifest_manifest edge on edge.child_id = above.id
        join reach on reach.id = edge.parent_id
    ),
    failed as (select distinct on (id) id, code, reason from above order by id, code, reason),
    roots as (
      update sync_root r set outcome = 'FAILED', code = failed.code, reason = failed.reason from failed
      where r.task_id = ${taskId} and not r.is_removed and r.manifest_id = failed.id
    )
    insert into sync_tag (task_id, name, manifest_id, outcome, code, reason)
    select ${taskId}::bigint, t.name, t.manifest_id, 'FAILED', failed.code, failed.reason
    from selected_tag t join failed on failed.id = t.manifest_id
    order by t.name collate "C"
    on conflict (task_id, name) do update set outcome = excluded.outcome, code = excluded.code, reason = excluded.reason`.execute(
    kysely(em),
  );
}

async function readFailed(em: Em, taskId: number, most: number): Promise<Failed> {
  const db = kysely(em);
  const taken = await sql<{ taken: number }>`
    with recursive ${selectedGraph(taskId)}
    select (select count(*) from selected_tag where name !~ ${companionPattern})
      + (select count(*) from sync_root where task_id = ${taskId} and not is_removed and outcome is null and name not like '@%')
      + (select count(*) from sync_tag where task_id = ${taskId} and outcome = 'TOO_YOUNG')
      -- the tags beside a difference
      + coalesce((select greatest(0, tags_total - (select count(distinct name) from (${listedNames(taskId)}) as listed))
        from task where id = ${taskId} and difference_of is not null), 0) as taken`.execute(db);
  const found = await sql<FailedTag & { total: number }>`
    select s.name, s.code, s.reason, coalesce(m.digest, s.digest) as digest, kept.digest as "keptDigest",
      count(*) over () as total
    from (
      select name, manifest_id, code, reason, digest from sync_tag where task_id = ${taskId} and outcome = 'FAILED'
      union all
      select name, manifest_id, code, reason, null from sync_root where task_id = ${taskId} and outcome = 'FAILED'
    ) as s join task on task.id = ${taskId} left join manifest m on m.id = s.manifest_id
      left join tag_membership t on t.repository_id = task.repository_id and t.name = s.name and t.removed_in is null
      left join manifest kept on kept.id = t.manifest_id
    order by s.name collate "C" limit ${most}`.execute(db);
  return { tags: found.rows, count: found.rows[0]?.total ?? 0, taken: taken.rows[0]?.taken ?? 0 };
}
