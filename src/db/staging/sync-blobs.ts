import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { holdBlobs } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { recordDelivered } from './reuse.ts';
import type { Origin } from './reuse.ts';
import { kysely } from '../sql.ts';
import { setProgress } from '../tasks/tasks.ts';

export interface BatchBlob {
  readonly blobId: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Whether an index lists it: the upstream may serve it at `/manifests/`. */
  readonly isEntry: boolean;
  /** Whether the upstream may lack it. */
  readonly isOptional: boolean;
  /** A manifest whose descriptor claims to contain the bytes. */
  readonly inlineManifestId: number | null;
}

export interface FinishedBlob extends BatchBlob {
  /** Optional and missing at the upstream. */
  readonly isAbsent: boolean;
}

/**
 * Missing blobs of a batch, ordered by digest: an order by id would tell the upstream which ones are known longer.
 */
export async function readBatch(
  em: Em,
  batch: { readonly taskId: number; readonly batch: number },
  after: string,
  limit: number,
): Promise<BatchBlob[]> {
  const result = await sql<BatchBlob>`
    select s.blob_id as "blobId", blob.digest, s.size_bytes as "sizeBytes", s.is_entry as "isEntry",
      s.is_optional as "isOptional", s.inline_manifest_id as "inlineManifestId"
    from sync_blob s join blob on blob.id = s.blob_id
    where s.task_id = ${batch.taskId} and s.batch = ${batch.batch} and not s.is_done and blob.digest > ${after}
    order by blob.digest limit ${limit}`.execute(kysely(em));
  return result.rows;
}

export async function readBatchDone(
  em: Em,
  batch: { readonly taskId: number; readonly batch: number },
): Promise<{ blobs: number; bytes: number }> {
  const result = await sql<{ blobs: number; bytes: number }>`
    select count(*) as blobs, coalesce(sum(size_bytes), 0)::bigint as bytes from sync_blob
    where task_id = ${batch.taskId} and batch = ${batch.batch} and is_done`.execute(kysely(em));
  return result.rows[0] ?? { blobs: 0, bytes: 0 };
}

/** Bytes that earlier attempts have counted for unfinished blobs. */
export async function readCountedBytes(
  em: Em,
  batch: { readonly taskId: number; readonly batch: number },
): Promise<number> {
  const done = await readBatchDone(em, batch);
  const result = await kysely(em)
    .selectFrom('task_progress')
    .select('bytes_done as bytes')
    .where('task_id', '=', batch.taskId)
    .where('stage', '=', 'FETCHING_BLOBS')
    .where('part', '=', batch.batch)
    .execute();
  return Math.max(0, (result[0]?.bytes ?? 0) - done.bytes);
}

export interface BatchOfRemote {
  readonly taskId: number;
  readonly batch: number;
  readonly repositoryId: number;
  readonly origin: Origin;
}

/**
 * Marks verified blobs as stored, delivered and done, and sets the counts of the batch, in one transaction. Call it only
 * when the bytes are durable (fault 110).
 */
export async function markBlobsStored(
  em: Em,
  batch: BatchOfRemote,
  blobs: readonly FinishedBlob[],
  { inFlightBytes, reusedBytes }: { readonly inFlightBytes: number; readonly reusedBytes: number },
): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const sorted = [...blobs].sort((a, b) => a.blobId - b.blobId);
    const ids = sorted.map((blob) => blob.blobId);
    const stored = sorted.filter((blob) => !blob.isAbsent);
    if (ids.length > 0) {
      await sql`select from blob where id = any(${ids}::bigint[]) order by id for no key update`.execute(db);
      await sql`
        update blob set stored_at = coalesce(stored_at, now()), size_bytes = v.size_bytes
        from unnest(${stored.map((blob) => blob.blobId)}::bigint[], ${stored.map((blob) => blob.sizeBytes)}::bigint[])
          as v(id, size_bytes)
        where blob.id = v.id`.execute(db);
      const storedIds = stored.map((blob) => blob.blobId);
      await recordDelivered(transaction, batch.origin, 'blob', storedIds);
      await holdBlobs(transaction, batch.repositoryId, sql`select unnest(${storedIds}::bigint[])`);
      await sql`
        update sync_blob set is_done = true,
          is_absent = blob_id = any(${sorted.filter((blob) => blob.isAbsent).map((blob) => blob.blobId)}::bigint[])
        where task_id = ${batch.taskId} and batch = ${batch.batch} and blob_id = any(${ids}::bigint[])`.execute(
        db,
      );
    }
    const done = await readBatchDone(transaction, batch);
    await setProgress(
      transaction,
      { taskId: batch.taskId, stage: 'FETCHING_BLOBS', part: batch.batch },
      { blobsDone: done.blobs, bytesDone: done.bytes + inFlightBytes, bytesReused: reusedBytes },
    );
  });
}
