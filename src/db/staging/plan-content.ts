import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { RemotePolicy } from '../schema/remotes.ts';
import type { Em } from '../open-database.ts';
import { findOurs, recordWanted } from './plan-reuse.ts';
import type { Reuse } from './reuse.ts';
import { isSignatureTag, subjectOfTag } from '../content/companion-tags.ts';
import { selectedGraph } from './selected-graph.ts';
import { kysely } from '../sql.ts';
import { setProgress } from '../tasks/tasks.ts';

export interface StoredBlobRef {
  readonly id: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface ContentPlan {
  /** Number of batches of the blobs to fetch. */
  readonly batches: number;
  readonly blobsToFetch: number;
  readonly bytesToFetch: number;
}

/** The maximum of blob activities of a sync (workflows/parts.ts). */
export const maxBatches = 24;
/** Fewer bytes are one batch: each further batch costs a round trip through Temporal. */
const littleBytes = 640 * 1024 * 1024;
/**
 * Four lanes take the batches. A batch holds several layers, so that the network is busy while one layer becomes
 * durable.
 */
const batchBytes = 160 * 1024 * 1024;
const batchBlobs = 500;

const signatureTypes = ['application/vnd.dev.cosign.%', 'application/vnd.dev.sigstore.%'];

/**
 * Sets the task's totals and stages the missing blobs, in batches of about the same size. With another policy than
 * IMMEDIATE, only configs are staged, and the remote is recorded as the source of all other blobs.
 * @param findLost Returns the blobs of a page that are marked as stored but missing in the store.
 * @throws TidemarkError `SIZE_MISMATCH` if manifests, or a manifest and the stored bytes, disagree about a size.
 */
export async function planContent(
  em: Em,
  { taskId, reuse }: { readonly taskId: number; readonly reuse: Reuse },
  findLost: (page: readonly StoredBlobRef[]) => Promise<readonly StoredBlobRef[]>,
): Promise<ContentPlan> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const { policy, dryRun } = await readWish(transaction, taskId);
    // is_due: this sync fetches it if it is missing. Signatures are small and always due.
    // is_ours: stored bytes may be reused.
    const wanted = await sql`
      create temporary table wanted on commit drop as
      with recursive ${selectedGraph(taskId)}
      select edge.blob_id as id,
        coalesce(max(edge.size_bytes) filter (where not edge.is_foreign), max(edge.size_bytes)) as size_bytes,
        coalesce(min(edge.size_bytes) filter (where not edge.is_foreign), max(edge.size_bytes)) as least_bytes,
        bool_and(edge.is_foreign) as is_optional, bool_or(edge.role = 'entry') as is_entry,
        min(edge.manifest_id) filter (where edge.has_data) as inline_manifest_id,
        bool_or(${isDue(sql`${policy === 'IMMEDIATE'}`)}) as is_due,
        ${reuse.visibility.all}::boolean as is_ours
      from reach join manifest_blob edge on edge.manifest_id = reach.id
      group by edge.blob_id`.execute(db);
    if (Number(wanted.numAffectedRows ?? 0n) > pageSize) {
      await sql`alter table wanted add primary key (id)`.execute(db);
      await sql`analyze wanted`.execute(db);
    }
    if (!reuse.visibility.all) await findOurs(transaction, reuse);
    await assertSizesAgree(transaction);
    await markLost(transaction, findLost);
    if (!dryRun) await recordWanted(transaction, reuse, { withSources: policy !== 'IMMEDIATE' });
    const totals = await countSelected(transaction, taskId);
    await setTotals(transaction, taskId, totals);
    return stageBlobs(transaction, taskId, totals);
  });
}

/** Whether a sync fetches the blob of a row of `edge` (manifest_blob): configs and signatures with every policy. */
export function isDue(isImmediate: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`(${isImmediate} or edge.role = 'config' or edge.has_data or edge.media_type like any(${signatureTypes}::text[]))`;
}

/** From the selection of the task. */
async function readWish(em: Em, taskId: number): Promise<{ policy: RemotePolicy; dryRun: boolean }> {
  const found = await sql<{ policy: RemotePolicy; dryRun: boolean }>`
    select coalesce(arguments #>> '{selection,policy}', 'IMMEDIATE') as policy,
      coalesce((arguments ->> 'dryRun')::boolean, false) as "dryRun"
    from task where id = ${taskId}`.execute(kysely(em));
  return found.rows[0] ?? { policy: 'IMMEDIATE', dryRun: false };
}

async function assertSizesAgree(em: Em): Promise<void> {
  const result = await sql<{ digest: string; sizes: string; stored: number | null }>`
    select blob.digest, wanted.least_bytes || ' and ' || wanted.size_bytes as sizes,
      case when wanted.is_ours then blob.size_bytes end as stored
    from wanted join blob using (id)
    where not wanted.is_optional and (wanted.least_bytes <> wanted.size_bytes
      or (wanted.is_ours and blob.size_bytes <> wanted.size_bytes)) limit 1`.execute(kysely(em));
  const row = result.rows[0];
  if (!row) return;
  const stored = row.stored === null ? '' : `; stored and verified are ${row.stored}`;
  throw new TidemarkError(
    'SIZE_MISMATCH',
    `Manifests at the upstream say that the blob ${row.digest} has ${row.sizes} bytes${stored}. ` +
      'A blob has one size: the image at the upstream is damaged or forged; push it there again.',
  );
}

const pageSize = 1_000;

async function markLost(
  em: Em,
  findLost: (page: readonly StoredBlobRef[]) => Promise<readonly StoredBlobRef[]>,
): Promise<void> {
  const db = kysely(em);
  let after = 0;
  for (;;) {
    const page = await sql<StoredBlobRef>`
      select blob.id, blob.digest, blob.size_bytes as "sizeBytes" from wanted join blob using (id)
      where wanted.is_ours and blob.stored_at is not null and blob.id > ${after} order by blob.id limit ${pageSize}`.execute(
      db,
    );
    const last = page.rows.at(-1);
    if (!last) return;
    after = last.id;
    const lost = await findLost(page.rows);
    const ids = lost.map((blob) => blob.id).sort((a, b) => a - b);
    if (ids.length > 0)
      await sql`update blob set stored_at = null, size_bytes = null where id = any(${ids}::bigint[])`.execute(
        db,
      );
    if (page.rows.length < pageSize) return;
  }
}

/**
 * Of `wanted` and `blob`: whether the blob is missing. An optional one is missing until this upstream has delivered it.
 */
function isMissing(taskId: number): RawBuilder<unknown> {
  return sql`(not (wanted.is_ours and blob.stored_at is not null) or (wanted.is_optional
    and not exists (select from sync_blob s where s.task_id = ${taskId} and s.blob_id = blob.id and s.is_done)
    and not exists (select from task join membership p on p.repository_id = task.repository_id and p.kind = 'blob'
      and p.content_id = blob.id and p.removed_in is null where task.id = ${taskId})))`;
}

interface Totals {
  readonly manifests: number;
  /** Fetched by the parts of this sync. */
  readonly fetched: number;
  readonly signatures: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly reused: number;
  readonly reusedBytes: number;
  readonly missing: number;
  readonly missingBytes: number;
}

async function countSelected(em: Em, taskId: number): Promise<Totals> {
  const counted = await sql<Totals>`
    with recursive ${selectedGraph(taskId)}
    select (select count(*) from reach join manifest on manifest.id = reach.id and manifest.raw is not null) as manifests,
      (select coalesce(sum(manifests_done), 0)::bigint from task_progress
        where task_id = ${taskId} and not (stage = 'FETCHING_MANIFESTS' and part = -1)) as fetched,
      (select count(*) from (
        select m.id, m.subject_digest as signed from reach join manifest m on m.id = reach.id and m.is_signature
        union
        select manifest_id, ${subjectOfTag(sql`name`)} from selected_tag where ${isSignatureTag(sql`name`)}
      ) as signing where signed in (select digest from manifest join reach on reach.id = manifest.id)) as signatures,
      count(*) as blobs, coalesce(sum(wanted.size_bytes), 0)::bigint as bytes,
      count(*) filter (where is_reused) as reused,
      coalesce(sum(wanted.size_bytes) filter (where is_reused), 0)::bigint as "reusedBytes",
      count(*) filter (where is_missing) as missing,
      coalesce(sum(wanted.size_bytes) filter (where is_missing), 0)::bigint as "missingBytes"
    from wanted join blob using (id),
      lateral (select ${isMissing(taskId)} as is_missing) as m,
      lateral (select not is_missing and not exists (
        select from sync_blob s where s.task_id = ${taskId} and s.blob_id = blob.id and s.is_done) as is_reused) as r
    where wanted.is_due or not is_missing`.execute(kysely(em));
  const totals = counted.rows[0];
  if (totals === undefined) throw new Error('an aggregate returned no row');
  return totals;
}

async function setTotals(em: Em, taskId: number, totals: Totals): Promise<void> {
  await kysely(em)
    .updateTable('task')
    .set({ manifests_total: totals.manifests, blobs_total: totals.blobs, bytes_total: totals.bytes })
    .where('id', '=', taskId)
    .execute();
  // Part -1: blobs that were stored before the first batch.
  await setProgress(
    em,
    { taskId, stage: 'FETCHING_BLOBS', part: -1 },
    {
      blobsDone: totals.reused,
      blobsReused: totals.reused,
      bytesDone: totals.reusedBytes,
      bytesReused: totals.reusedBytes,
    },
  );
  // Part -1: signing manifests. The parts count atomic signatures.
  const signed = { taskId, stage: 'FETCHING_SIGNATURES', part: -1 } as const;
  if (totals.signatures > 0) await setProgress(em, signed, { signaturesDone: totals.signatures });
  // Manifests from the store are done as well.
  const read = Math.max(0, totals.manifests - totals.fetched);
  await setProgress(em, { taskId, stage: 'FETCHING_MANIFESTS', part: -1 }, { manifestsDone: read });
}

async function stageBlobs(
  em: Em,
  taskId: number,
  { missing: blobs, missingBytes: bytes }: Totals,
): Promise<ContentPlan> {
  const db = kysely(em);
  const batchesOfBytes = bytes <= littleBytes ? 1 : Math.ceil(bytes / batchBytes);
  const wish = Math.max(batchesOfBytes, Math.ceil(blobs / batchBlobs));
  const batches = Math.min(wish, maxBatches, blobs);
  // Blobs that an earlier attempt fetched stay done. They are not reused ones.
  await sql`
    delete from sync_blob s using blob left join wanted using (id)
    where s.task_id = ${taskId} and blob.id = s.blob_id
      and (not s.is_done or blob.stored_at is null or wanted.is_ours is not true)`.execute(db);
  if (blobs === 0) return { batches: 0, blobsToFetch: 0, bytesToFetch: 0 };
  // The weight of a blob is its size and 16 KiB, the approximate cost of a request.
  await sql`
    insert into sync_blob (task_id, batch, blob_id, size_bytes, is_entry, is_optional, inline_manifest_id)
    select ${taskId}, floor((before::float8 / total) * ${batches}), id, size_bytes, is_entry, is_optional, inline_manifest_id
    from (
      select id, wanted.size_bytes, is_entry, is_optional, inline_manifest_id,
        sum(wanted.size_bytes + 16384) over (order by id) - wanted.size_bytes - 16384 as before,
        sum(wanted.size_bytes + 16384) over () as total
      from wanted join blob using (id) where ${isMissing(taskId)} and wanted.is_due
    ) as missing`.execute(db);
  const staged = await sql<{ batches: number }>`
    select coalesce(max(batch) + 1, 0) as batches from sync_blob where task_id = ${taskId} and not is_done`.execute(
    db,
  );
  return { batches: staged.rows[0]?.batches ?? 0, blobsToFetch: blobs, bytesToFetch: bytes };
}
