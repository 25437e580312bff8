import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { Remote } from '../schema/remotes.ts';
import { holdBlobs, isHeld } from './held-blobs.ts';
import type { Em } from '../open-database.ts';
import { recordCached } from './cached-blobs.ts';
import { recordDelivered } from '../staging/reuse.ts';
import type { Origin } from '../staging/reuse.ts';
import { kysely } from '../sql.ts';

/* The remotes that can deliver a repository's blobs. `planContent`, `keepPulled` and `copySources` record them. */

/** Further sources would only delay the same error. */
const maxSources = 3;

/**
 * The repository's sources of a blob, best first: its present remote, then the most recent ones. Sources of other
 * repositories are excluded: their credentials are not for this repository's readers. A remote with a new URL is tried
 * as well: the digest decides.
 */
export async function readBlobSources(
  em: Em,
  blob: { readonly repositoryId: number; readonly digest: Digest },
): Promise<Remote[]> {
  const found = await sql<{ id: number }>`
    select s.remote_id as id
    from blob b join repository_source s on s.blob_id = b.id and s.repository_id = ${blob.repositoryId}
      join repository r on r.id = s.repository_id
    where b.digest = ${blob.digest} and s.remote_id is not null
    order by s.remote_id is not distinct from r.remote_id desc, s.recorded_at desc, s.remote_id
    limit ${maxSources}`.execute(kysely(em));
  const ids = found.rows.map((row) => row.id);
  const rows = await em.find(Remote, { id: { $in: ids } });
  return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
}

export interface BroughtBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The repository that it was fetched for. It holds the blob from now on. */
  readonly repositoryId: number;
  readonly origin: Origin | undefined;
  /** Whether a pull fetched it, so that it may be evicted. */
  readonly isCached: boolean;
}

/** Call it only when the bytes are durable (fault 110). */
export async function markBlobStored(
  em: Em,
  { digest, sizeBytes, repositoryId, origin, isCached }: BroughtBlob,
): Promise<void> {
  await em.transactional(async (transaction) => {
    const marked = await sql<{ id: number }>`
      update blob set used_at = case when ${isCached} and (stored_at is null or used_at is not null) then now() else used_at end,
        stored_at = coalesce(stored_at, now()), size_bytes = ${sizeBytes}
      where digest = ${digest} returning id`.execute(kysely(transaction));
    const ids = marked.rows.map((row) => row.id);
    if (origin !== undefined) await recordDelivered(transaction, origin, 'blob', ids);
    await holdBlobs(transaction, repositoryId, sql`select unnest(${ids}::bigint[])`);
    if (isCached) await recordCached(transaction, repositoryId, ids);
  });
}

/** The number of missing blobs in versions that only this remote can deliver. */
export async function countOnlySource(em: Em, remoteId: number): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(distinct b.id) as count
    from repository_source s join blob b on b.id = s.blob_id
    where s.remote_id = ${remoteId} and (b.stored_at is null or not ${isHeld(sql`s.repository_id`, sql`b.id`)})
      and not exists (select from repository_source o
        where o.repository_id = s.repository_id and o.blob_id = b.id and o.remote_id <> s.remote_id)
      and exists (select from membership m
        where m.repository_id = s.repository_id and m.kind = 'blob' and m.content_id = b.id)`.execute(
    kysely(em),
  );
  return found.rows[0]?.count ?? 0;
}
