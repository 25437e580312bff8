import type { Em } from '../../db/open-database.ts';
import { readForeignOfSync } from '../../db/reads/read-inline.ts';
import { apartOf, mayReuseBlob, recordDelivered } from '../../db/staging/reuse.ts';
import type { Reuse } from '../../db/staging/reuse.ts';
import { markBlobsStored, readBatch, readCountedBytes } from '../../db/staging/sync-blobs.ts';
import type { BatchBlob, BatchOfRemote, FinishedBlob } from '../../db/staging/sync-blobs.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { openBlobSource, readThrough } from '../../upstream/blob-source.ts';
import { createBlobQueue } from './blob-queue.ts';
import type { QueuedBlob } from './blob-queue.ts';
import type { ActivityDeps } from '../deps.ts';
import { noteSubject } from '../error-subject.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { withLayerUrls } from '../../upstream/layer-urls.ts';
import type { LayerSource } from '../../upstream/layer-urls.ts';
import { namingRequest, repositoryUrl } from '../../upstream/naming-request.ts';
import type { SyncContext } from './sync-context.ts';

/** One activity's share of a sync's missing blobs. */
export interface BlobBatch {
  readonly batch: number;
  /** Requests in flight. */
  readonly concurrency: number;
}

/** How often finished blobs and bytes in flight are written down. */
const reportEveryMs = 250;
const reportBlobs = 200;
const pageSize = 500;
/** Larger blobs that are fetched apart are written down before their lock is given back: whoever waits for it is spared the download. */
const noteAtOnceBytes = 64 * 1024;

/** Fetches the blobs of a batch that are not stored yet; verified and stored ones are marked as they come. */
export async function fetchBlobs(
  deps: ActivityDeps,
  sync: SyncContext,
  batch: BlobBatch,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const { taskId, repositoryId, reuse } = sync;
  const part = { taskId, batch: batch.batch, repositoryId, origin: reuse.origin };
  const report = createReport(em, part, await readCountedBytes(em, part));
  const timer = setInterval(() => report.tick(), reportEveryMs);
  const queue = createBlobQueue(
    deps.blobLocks,
    readPages(em, part),
    batch.concurrency,
    lockOf(apartOf(reuse)),
  );
  try {
    await forEachConcurrently(
      queue,
      { concurrency: batch.concurrency, signal },
      async (queued, laneSignal) => {
        const { blob } = queued;
        const onProgress = (bytesDone: number, resumedBytes: number) =>
          report.inFlight(blob, bytesDone, resumedBytes);
        const isAbsent = !(await fetchBlob(deps, sync, queued, { signal: laneSignal, onProgress }));
        if (report.finished({ ...blob, isAbsent }) >= reportBlobs) await report.write();
      },
    );
  } finally {
    clearInterval(timer);
    await queue.close();
    // what is stored is written down also when another blob failed: it is not fetched again
    await report.write();
  }
}

async function* readPages(em: Em, batch: { taskId: number; batch: number }): AsyncGenerator<BatchBlob[]> {
  for (let after = ''; ;) {
    const page = await readBatch(em, batch, after, pageSize);
    const last = page.at(-1);
    if (!last) return;
    after = last.digest;
    yield page;
  }
}

/** Two syncs with one remote wait for one another; those with others see nothing of it. Where all may read everything, so do all. */
function lockOf(apart: string | undefined): (digest: Digest) => string {
  return (digest) => (apart === undefined ? digest : `${digest} ${apart}`);
}

/** False: it is optional, and not to be had. */
async function fetchBlob(
  deps: ActivityDeps,
  sync: SyncContext,
  { blob, isLocked, done }: QueuedBlob,
  options: {
    readonly signal: AbortSignal;
    readonly onProgress: (bytesDone: number, resumedBytes: number) => void;
  },
): Promise<boolean> {
  const { digest } = blob;
  const { reuse } = sync;
  const apart = apartOf(reuse);
  const descriptor = { digest, size: blob.sizeBytes, mediaType: 'application/octet-stream' };
  const em = deps.database.em.fork();
  let layer: LayerSource | undefined;
  const push = async () => {
    // whoever was waited for may have brought it
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
        // stored for others: that this upstream has it, too, is known when it has delivered it
        if (blob.isOptional && apart === undefined && (await deps.store.exists(descriptor)))
          return readThrough(source, descriptor, options.signal);
        // fetches nothing where another sync has stored it since the plan was made, unless it is fetched apart
        await deps.store.push(descriptor, source, { ...options, ...(apart === undefined ? {} : { apart }) });
      }),
    );
    if (apart !== undefined && blob.sizeBytes > noteAtOnceBytes)
      await recordDelivered(deps.database.em.fork(), reuse.origin, 'blob', [blob.blobId]);
  };
  try {
    await (isLocked ? push() : deps.blobLocks.withLock(lockOf(apart)(digest), options.signal, push));
    return true;
  } catch (error) {
    if (!blob.isOptional || !isLeftOut(error, layer)) {
      noteSubject(error, { digest });
      throw error;
    }
    const message = `The layer ${digest}, which a registry need not have, was left out: ${error.message}`;
    await addWarnings(em, sync.taskId, [{ message, name: digest, differs: [digest] }]);
    return false;
  } finally {
    await done();
  }
}

/** The next sync goes on from what has come of another address; it holds up no image. */
function isLeftOut(error: unknown, layer: LayerSource | undefined): error is TidemarkError {
  if (!isTidemarkError(error) || error.origin !== 'upstream') return false;
  return !error.retryable || layer?.isElsewhere() === true;
}

async function isBrought({ database, store }: ActivityDeps, reuse: Reuse, blob: BatchBlob): Promise<boolean> {
  const { digest, sizeBytes: size } = blob;
  return (await mayReuseBlob(database.em.fork(), digest, reuse)) && (await store.exists({ digest, size }));
}

/** Gathers what a batch has done and writes it down, one transaction at a time. */
function createReport(em: Em, batch: BatchOfRemote, countedBytes: number) {
  const moving = new Map<number, number>();
  /** By blob, where an earlier attempt or another sync has brought some: what this one did not fetch is no speed. */
  const resumed = new Map<number, number>();
  let finished: FinishedBlob[] = [];
  let changed = false;
  let last = Promise.resolve();
  let waiting = 0;

  async function writeAfter(previous: Promise<void>): Promise<void> {
    await previous.catch(() => undefined);
    if (!changed) return;
    changed = false;
    const stored = finished;
    finished = [];
    const inFlightBytes = [...moving.values()].reduce((sum, bytes) => sum + bytes, 0);
    try {
      const resumedBytes = [...resumed.values()].reduce((sum, bytes) => sum + bytes, 0);
      // what an earlier attempt of this sync has fetched was speed then
      const reusedBytes = Math.max(0, resumedBytes - countedBytes);
      await markBlobsStored(em, batch, stored, { inFlightBytes, reusedBytes });
    } catch (error) {
      finished = [...stored, ...finished];
      changed = true;
      throw error;
    }
  }

  function write(): Promise<void> {
    waiting += 1;
    last = writeAfter(last).finally(() => {
      waiting -= 1;
    });
    return last;
  }

  return {
    inFlight(blob: BatchBlob, bytesDone: number, resumedBytes: number): void {
      if (resumedBytes > 0 || resumed.has(blob.blobId)) resumed.set(blob.blobId, resumedBytes);
      moving.set(blob.blobId, bytesDone);
      changed = true;
    },
    /** Answers how many wait to be written down. */
    finished(blob: FinishedBlob): number {
      moving.delete(blob.blobId);
      changed = true;
      return finished.push(blob);
    },
    write,
    /** Writes, unless a write is under way: while the database is away they would queue up, and the end would wait for each. */
    tick(): void {
      if (waiting === 0) write().catch(() => undefined);
    },
  };
}
