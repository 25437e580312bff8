import { sql } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import { Remote } from './entities.ts';
import type { Em } from './open-database.ts';
import { kysely } from './sql.ts';

/* From which remotes blobs can be had that are not stored. Rows of it are written by `planContent` and `pullContent`. */

/** More would only make a client wait longer for the same bad news. */
const maxSources = 3;

/**
 * The remotes that have a blob, the best first: the one that the repository has now, then those that were heard of it last.
 * A remote whose url was changed since then stands for itself: the digest decides whether it still has the same.
 */
export async function readBlobSources(
  em: Em,
  blob: { readonly repositoryId: number; readonly digest: Digest },
): Promise<Remote[]> {
  const found = await sql<{ id: number }>`
    select s.remote_id as id
    from blob b join blob_source s on s.blob_id = b.id left join repository r on r.id = ${blob.repositoryId}
    where b.digest = ${blob.digest}
    order by s.remote_id is not distinct from r.remote_id desc, s.recorded_at desc, s.remote_id
    limit ${maxSources}`.execute(kysely(em));
  const ids = found.rows.map((row) => row.id);
  const rows = await em.find(Remote, { id: { $in: ids } });
  return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
}

/** Called only after the bytes are where a crash cannot lose them (FAULTS 110). */
export async function markBlobStored(
  em: Em,
  blob: { readonly digest: Digest; readonly sizeBytes: number },
): Promise<void> {
  await sql`
    update blob set stored_at = coalesce(stored_at, now()), size_bytes = ${blob.sizeBytes}
    where digest = ${blob.digest}`.execute(kysely(em));
}

/** How many blobs of any version are not stored, and can be had from this remote only. */
export async function countOnlySource(em: Em, remoteId: number): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count
    from blob_source s join blob b on b.id = s.blob_id
    where s.remote_id = ${remoteId} and b.stored_at is null
      and not exists (select from blob_source o where o.blob_id = b.id and o.remote_id <> s.remote_id)
      and exists (select from membership m where m.kind = 'blob' and m.content_id = b.id)`.execute(
    kysely(em),
  );
  return found.rows[0]?.count ?? 0;
}
