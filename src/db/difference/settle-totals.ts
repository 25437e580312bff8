import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

interface Settled {
  readonly taskId: number;
  readonly repositoryId: number;
  /** Null if nothing changed. */
  readonly createdVersion: number | null;
}

/**
 * A sync that takes a difference has looked at a part of its content. Its totals become those of the whole: of the sync before, and of what the
 * version has changed. The rest counts as done.
 */
export async function settleTotals(em: Em, { taskId, repositoryId, createdVersion }: Settled): Promise<void> {
  const side = (column: 'added_in' | 'removed_in', sign: 1 | -1) => sql`
    select ${sql.lit(sign)} as sign, m.kind, blob.size_bytes from membership m
      left join blob on m.kind = 'blob' and blob.id = m.content_id
    where m.repository_id = ${repositoryId} and ${sql.ref(`m.${column}`)} = ${createdVersion}
      and (m.kind = 'manifest' or (m.kind = 'blob' and blob.stored_at is not null))`;
  await sql`
    with delta as (
      select coalesce(sum(sign) filter (where kind = 'manifest'), 0) as manifests, coalesce(sum(sign) filter (where kind = 'blob'), 0) as blobs,
        coalesce(sum(sign * size_bytes), 0) as bytes
      from (${side('added_in', 1)} union all ${side('removed_in', -1)}) as change
    ),
    total as (
      select greatest(0, last.manifests_total + delta.manifests) as manifests, greatest(0, last.blobs_total + delta.blobs) as blobs,
        greatest(0, last.bytes_total + delta.bytes) as bytes,
        (select coalesce(sum(p.signatures_done), 0) from task_progress p where p.task_id = last.id) as signatures
      from task join task last on last.id = task.difference_of cross join delta where task.id = ${taskId}
    ),
    done as (
      select coalesce(sum(tags_done), 0) as tags, coalesce(sum(manifests_done), 0) as manifests, coalesce(sum(blobs_done), 0) as blobs,
        coalesce(sum(bytes_done), 0) as bytes, coalesce(sum(signatures_done), 0) as signatures
      from task_progress where task_id = ${taskId}
    ),
    progress as (
      insert into task_progress (task_id, stage, part, tags_done, manifests_done, blobs_done, blobs_reused, bytes_done, bytes_reused,
        signatures_done)
      select task.id, 'COMMITTING', 0, greatest(0, task.tags_total - done.tags), greatest(0, total.manifests - done.manifests), rest.blobs,
        rest.blobs, rest.bytes, rest.bytes, greatest(0, total.signatures - done.signatures)
      from task, total, done, lateral (
        select greatest(0, total.blobs - done.blobs) as blobs, greatest(0, total.bytes - done.bytes) as bytes) as rest
      where task.id = ${taskId}
      on conflict (task_id, stage, part) do nothing
    )
    update task set manifests_total = total.manifests, blobs_total = total.blobs, bytes_total = total.bytes
    from total where task.id = ${taskId}`.execute(kysely(em));
}
