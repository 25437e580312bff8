import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import { holdBlobs } from './held-blobs.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** The lifetime of idle uploads and of blobs without a manifest (fault 73). */
export const uploadKeptHours = 24;

export interface UploadCaps {
  readonly maxOpen: number;
  readonly maxBytes: number;
  /** Per owner. */
  readonly maxOpenEach: number;
  readonly maxBytesEach: number;
}

/** @throws TidemarkError `TOOMANYREQUESTS` if the maximum of uploads is open. */
export async function openUpload(
  em: Em,
  upload: { readonly id: string; readonly repositoryId: number; readonly owner: string },
  caps: UploadCaps,
): Promise<void> {
  const made = await sql`
    insert into upload (id, repository_id, owner) select ${upload.id}::uuid, ${upload.repositoryId}, ${upload.owner}
    where (select count(*) < ${caps.maxOpen} and coalesce(sum(offset_bytes), 0) < ${caps.maxBytes} from upload)
    and (select count(*) < ${caps.maxOpenEach} and coalesce(sum(offset_bytes), 0) < ${caps.maxBytesEach}
      from upload where owner = ${upload.owner})`.execute(kysely(em));
  if (made.numAffectedRows === 0n)
    throw new TidemarkError(
      'TOOMANYREQUESTS',
      `Too many uploads are open: at most ${caps.maxOpenEach} with ${caps.maxBytesEach} bytes of one login, and ${caps.maxOpen} with ` +
        `${caps.maxBytes} bytes in all. Finish or cancel some; ` +
        `those that nobody touches go after ${uploadKeptHours} hours.`,
      { origin: 'caller' },
    );
}

export interface OpenUpload {
  /** The blob that the bytes are about to become, or have become: they have this digest. Undefined before that, and after further bytes. */
  readonly verified: VerifiedUpload | undefined;
}

export interface VerifiedUpload {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Undefined if the repository has no such open upload. */
export async function readOpenUpload(
  em: Em,
  upload: { readonly id: string; readonly repositoryId: number },
): Promise<OpenUpload | undefined> {
  const found = await sql<{ digest: Digest | null; sizeBytes: number | null }>`
    select verified_digest as digest, verified_bytes as "sizeBytes" from upload
    where id = ${upload.id}::uuid and repository_id = ${upload.repositoryId}`.execute(kysely(em));
  const [row] = found.rows;
  if (row === undefined) return undefined;
  const { digest, sizeBytes } = row;
  return { verified: digest === null || sizeBytes === null ? undefined : { digest, sizeBytes } };
}

/** Precedes the move of the bytes among the blobs, so that whoever finds them moved knows whose they were. */
export async function recordVerifiedUpload(em: Em, id: string, verified: VerifiedUpload): Promise<void> {
  await kysely(em)
    .updateTable('upload')
    .set({ verified_digest: verified.digest, verified_bytes: verified.sizeBytes })
    .where('id', '=', id)
    .execute();
}

/** Whether this upload has become this blob of the repository, which expires as the blob does. */
export async function wasUploaded(
  em: Em,
  { uploadId, repositoryId, digest }: Omit<UploadedBlob, 'sizeBytes'>,
): Promise<boolean> {
  const found = await sql`
    select from repository_blob rb join blob b on b.id = rb.blob_id
    where b.digest = ${digest} and rb.repository_id = ${repositoryId} and rb.upload_id = ${uploadId}::uuid`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/** Undefined for an unknown upload. */
export async function readUploadSize(em: Em, id: string): Promise<number | undefined> {
  const found = await sql<{ sizeBytes: number }>`
    select offset_bytes as "sizeBytes" from upload where id = ${id}::uuid`.execute(kysely(em));
  return found.rows[0]?.sizeBytes;
}

export interface UploadPartRow {
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** In the order of their bytes. */
export async function readUploadParts(em: Em, id: string): Promise<UploadPartRow[]> {
  const found = await sql<UploadPartRow>`
    select start_bytes as "startBytes", size_bytes as "sizeBytes", digest from upload_part where upload_id = ${id}::uuid
    order by start_bytes`.execute(kysely(em));
  return found.rows;
}

/** @returns false if the upload does not end where the part begins: it has ended, or another request has written to it. */
export async function addUploadPart(em: Em, id: string, part: UploadPartRow): Promise<boolean> {
  const added = await sql`
    with moved as (
      update upload set offset_bytes = offset_bytes + ${part.sizeBytes}, touched_at = now()
      where id = ${id}::uuid and offset_bytes = ${part.startBytes} returning id
    )
    insert into upload_part (upload_id, start_bytes, size_bytes, digest)
    select id, ${part.startBytes}, ${part.sizeBytes}, ${part.digest} from moved`.execute(kysely(em));
  return added.numAffectedRows === 1n;
}

export async function touchUpload(em: Em, id: string, offsetBytes: number): Promise<void> {
  await kysely(em)
    .updateTable('upload')
    .set({
      offset_bytes: offsetBytes,
      touched_at: sql`now()`,
      verified_digest: null,
      verified_bytes: null,
    })
    .where('id', '=', id)
    .execute();
}

export async function closeUpload(em: Em, id: string): Promise<void> {
  await kysely(em).deleteFrom('upload').where('id', '=', id).execute();
}

/** A shared lock for uploads that become a blob. Syncs of the same digest have another one, and may take long. */
export function uploadedBlobLock(digest: string): string {
  return `uploaded ${digest}`;
}

export interface UploadedBlob {
  readonly uploadId: string;
  readonly repositoryId: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Records that an upload became a stored blob of its repository. The bytes are durable (fault 110). */
export async function recordUploadedBlob(em: Em, blob: UploadedBlob): Promise<void> {
  await em.transactional(async (transaction) => {
    await sql`
      insert into blob (digest, size_bytes, stored_at) values (${blob.digest}, ${blob.sizeBytes}, now())
      on conflict (digest) do update set size_bytes = excluded.size_bytes, stored_at = coalesce(blob.stored_at, now())`.execute(
      kysely(transaction),
    );
    await linkBlob(transaction, blob);
    await holdBlobs(transaction, blob.repositoryId, sql`select id from blob where digest = ${blob.digest}`);
    await closeUpload(transaction, blob.uploadId);
  });
}

/**
 * Serves a stored blob in a repository until a manifest refers to it or it expires. Eviction locks the row too, so it sees this link, or the
 * blob is not stored any more.
 * @returns false if it does not exist, or was just collected or evicted.
 */
export async function linkBlob(
  em: Em,
  { repositoryId, digest, uploadId }: Omit<UploadedBlob, 'sizeBytes' | 'uploadId'> & { uploadId?: string },
): Promise<boolean> {
  const linked = await sql`
    with found as (select id from blob where digest = ${digest} and stored_at is not null for share)
    insert into repository_blob (repository_id, blob_id, upload_id) select ${repositoryId}, id, ${uploadId ?? null}::uuid from found
    on conflict (repository_id, blob_id)
    do update set uploaded_at = now(), upload_id = coalesce(excluded.upload_id, repository_blob.upload_id)`.execute(
    kysely(em),
  );
  return linked.numAffectedRows === 1n;
}

/**
 * Removes an uploaded blob that no manifest refers to.
 * @returns `referenced` if the latest version refers to it: it stays.
 */
export async function unlinkBlob(
  em: Em,
  { repositoryId, digest }: { readonly repositoryId: number; readonly digest: Digest },
): Promise<'removed' | 'referenced' | 'unknown'> {
  const found = await sql<{ referenced: boolean; removed: number }>`
    with wanted as (select id from blob where digest = ${digest}),
    held as (
      select from membership m join wanted on wanted.id = m.content_id
      where m.repository_id = ${repositoryId} and m.kind = 'blob' and m.removed_in is null
    ),
    gone as (
      delete from repository_blob rb using wanted where rb.repository_id = ${repositoryId} and rb.blob_id = wanted.id returning 1
    )
    select exists (select from held) as referenced, (select count(*) from gone) as removed`.execute(
    kysely(em),
  );
  const { referenced, removed } = found.rows[0] ?? { referenced: false, removed: 0 };
  if (referenced) return 'referenced';
  return removed > 0 ? 'removed' : 'unknown';
}

/**
 * Removes idle uploads and blobs without a reference.
 * @returns the ids of the uploads, whose files the caller removes.
 */
export async function expireUploads(em: Em): Promise<string[]> {
  const db = kysely(em);
  await sql`
    delete from repository_blob where uploaded_at < now() - make_interval(hours => ${uploadKeptHours})`.execute(
    db,
  );
  const gone = await sql<{ id: string }>`
    delete from upload where touched_at < now() - make_interval(hours => ${uploadKeptHours}) returning id`.execute(
    db,
  );
  return gone.rows.map((row) => row.id);
}
