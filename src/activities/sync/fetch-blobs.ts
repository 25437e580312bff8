import { readForeignOfSync } from '../../db/reads/read-inline.ts';
import { apartOf, mayReuseBlob, recordDelivered } from '../../db/staging/reuse.ts';
import type { Reuse } from '../../db/staging/reuse.ts';
import { readBatch, readCountedBytes } from '../../db/staging/sync-blobs.ts';
import type { BatchBlob } from '../../db/staging/sync-blobs.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { openBlobSource, readThrough } from '../../upstream/blob-source.ts';
import { createBatchReport } from './batch-report.ts';
import { createBlobQueue } from './blob-queue.ts';
import type { QueuedBlob } from './blob-queue.ts';
import type { ActivityDeps } from '../deps.ts';
import { noteSubject } from '../error-subject.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { readPages } from '../../upstream/read-pages.ts';
import { withLayerUrls } from '../../upstream/layer-urls.ts';
import type { LayerSource } from '../../upstream/layer-urls.ts';
import { namingRequest, repositoryUrl } from '../../upstream/naming-request.ts';
import type { SyncContext } from './sync-context.ts';

/** The blobs of one activity. */
export interface BlobBatch {
  readonly batch: number;
  /** Requests in flight. */
  readonly concurrency: number;
}

/** How often progress is written. */
const reportEveryMs = 250;
const reportBlobs = 200;
const pageSize = 500;
/** Above this size a reuse is recorded before the lock is released, so that the next holder skips the download. */
const noteAtOnceBytes = 64 * 1024;

/** Fetches and verifies the missing blobs of a batch, and marks them as stored. */
export async function fetchBlobs(
  deps: ActivityDeps,
  sync: SyncContext,
  batch: BlobBatch,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const { taskId, repositoryId, reuse } = sync;
  const part = { taskId, batch: batch.batch, repositoryId, origin: reuse.origin };
  const report = createBatchReport(em, part, await readCountedBytes(em, part));
  const timer = setInterval(() => report.tick(), reportEveryMs);
  const pages = readPages(
    '',
    ({ digest }: BatchBlob): string => digest,
    (after) => readBatch(em, part, after, pageSize),
  );
  const queue = createBlobQueue(deps.blobLocks, pages, batch.concurrency, lockOf(apartOf(reuse)));
  try {
    await forEachConcurrently(
      queue,
      { concurrency: batch.concurrency, signal },
      async (queued, laneSignal) => {
        const { blob } = queued;
        const onProgress = (bytesDone: number, resumedBytes: number) =>
          report.inFlight(blob, bytesDone, resumedBytes);
        const outcome = await fetchBlob(deps, sync, queued, { signal: laneSignal, onProgress });
        if (outcome === 'failed') return;
        const isAbsent = outcome === 'absent';
        if (report.finished({ ...blob, isAbsent }) >= reportBlobs) await report.write();
      },
    );
  } finally {
    clearInterval(timer);
    await queue.close();
    // stored blobs are recorded also after an error, so that they are not fetched again
    await report.write();
  }
}

/** Syncs of one remote share a lock. Syncs of other remotes must not notice it, unless all callers may read everything. */
function lockOf(apart: string | undefined): (digest: Digest) => string {
  return (digest) => (apart === undefined ? digest : `${digest} ${apart}`);
}

/** `absent`: an optional blob that is nowhere. `failed`: the tags with this blob are skipped. */
async function fetchBlob(
  deps: ActivityDeps,
  sync: SyncContext,
  { blob, isLocked, done }: QueuedBlob,
  options: {
    readonly signal: AbortSignal;
    readonly onProgress: (bytesDone: number, resumedBytes: number) => void;
  },
): Promise<'stored' | 'absent' | 'failed'> {
  const { digest } = blob;
  const { reuse } = sync;
  const apart = apartOf(reuse);
  const descriptor = { digest, size: blob.sizeBytes, mediaType: 'application/octet-stream' };
  const em = deps.database.em.fork();
  let layer: LayerSource | undefined;
  const push = async () => {
    // the last holder of the lock may have fetched it
    if (apart !== undefined && !isLocked && (await isBrought(deps, reuse, blob))) return;
    const upstream = await openBlobSource(em, sync.registry, blob);
    if (blob.isOptional && sync.remote.followLayerUrls)
      layer = withLayerUrls({
        registry: sync.registry,
        source: upstream,
        readDocuments: () => readForeignOfSync(em, sync.taskId, digest),
      });
    const source = layer ?? upstream;
    await namingRequest(`GET ${repositoryUrl(sync)}/blobs/${digest}`, () =>
      deps.connections.run(options.signal, async () => {
        // It is stored for others. This upstream has it only if it delivers it.
        if (blob.isOptional && apart === undefined && (await deps.store.exists(descriptor)))
          return readThrough(source, descriptor, options.signal);
        // push skips the download when another sync has stored the blob meanwhile, unless it is fetched apart
        await deps.store.push(descriptor, source, { ...options, ...(apart === undefined ? {} : { apart }) });
      }),
    );
    if (apart !== undefined && blob.sizeBytes > noteAtOnceBytes)
      await recordDelivered(deps.database.em.fork(), reuse.origin, 'blob', [blob.blobId]);
  };
  try {
    await (isLocked ? push() : deps.blobLocks.withLock(lockOf(apart)(digest), options.signal, push));
    return 'stored';
  } catch (error) {
    if (!blob.isOptional && sync.failures?.accepts(error) === true) {
      await sync.failures.record({ kind: 'blob', contentId: blob.blobId }, error);
      return 'failed';
    }
    if (!blob.isOptional || !isLeftOut(error, layer)) {
      noteSubject(error, { digest });
      throw error;
    }
    const message = `The foreign layer ${digest} was left out: ${error.message}`;
    await addWarnings(em, sync.taskId, [{ message, name: digest, differs: [digest] }]);
    return 'absent';
  } finally {
    await done();
  }
}

/** A retryable error of another address must not fail the image either. The next sync resumes the download. */
function isLeftOut(error: unknown, layer: LayerSource | undefined): error is TidemarkError {
  if (!isTidemarkError(error) || error.origin !== 'upstream') return false;
  return !error.retryable || layer?.isElsewhere() === true;
}

async function isBrought({ database, store }: ActivityDeps, reuse: Reuse, blob: BatchBlob): Promise<boolean> {
  const { digest, sizeBytes: size } = blob;
  return (await mayReuseBlob(database.em.fork(), digest, reuse)) && (await store.exists({ digest, size }));
}
