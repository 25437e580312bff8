import type { Em } from '../db/open-database.ts';
import { markBlobsStored, readBatch } from '../db/sync-blobs.ts';
import type { BatchBlob } from '../db/sync-blobs.ts';
import { createBlobQueue } from './blob-queue.ts';
import type { QueuedBlob } from './blob-queue.ts';
import type { ActivityDeps } from './deps.ts';
import { forEachConcurrently } from './limiter.ts';
import { namingRequest, repositoryUrl } from './naming-request.ts';
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

/** Fetches the blobs of a batch that are not stored yet; verified and stored ones are marked as they come. */
export async function fetchBlobs(
  deps: ActivityDeps,
  sync: SyncContext,
  batch: BlobBatch,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const part = { taskId: sync.taskId, batch: batch.batch };
  const report = createReport(em, part);
  const timer = setInterval(() => report.tick(), reportEveryMs);
  const queue = createBlobQueue(deps.blobLocks, readPages(em, part), batch.concurrency);
  try {
    await forEachConcurrently(
      queue,
      { concurrency: batch.concurrency, signal },
      async (queued, laneSignal) => {
        const { blob } = queued;
        const onProgress = (bytesDone: number) => report.inFlight(blob, bytesDone);
        await fetchBlob(deps, sync, queued, { signal: laneSignal, onProgress });
        if (report.finished(blob) >= reportBlobs) await report.write();
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
  for (let afterId = 0; ;) {
    const page = await readBatch(em, batch, afterId, pageSize);
    const last = page.at(-1);
    if (!last) return;
    afterId = last.blobId;
    yield page;
  }
}

async function fetchBlob(
  deps: ActivityDeps,
  sync: SyncContext,
  { blob, isLocked, done }: QueuedBlob,
  options: { readonly signal: AbortSignal; readonly onProgress: (bytesDone: number) => void },
): Promise<void> {
  const descriptor = { digest: blob.digest, size: blob.sizeBytes, mediaType: 'application/octet-stream' };
  // fetches nothing where another sync has stored it since the plan was made
  const push = async () => {
    await namingRequest(`GET ${repositoryUrl(sync)}/blobs/${blob.digest}`, () =>
      deps.connections.run(options.signal, () => deps.store.push(descriptor, sync.registry, options)),
    );
  };
  try {
    await (isLocked ? push() : deps.blobLocks.withLock(blob.digest, options.signal, push));
  } finally {
    await done();
  }
}

/** Gathers what a batch has done and writes it down, one transaction at a time. */
function createReport(em: Em, batch: { readonly taskId: number; readonly batch: number }) {
  const moving = new Map<number, number>();
  let finished: BatchBlob[] = [];
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
      await markBlobsStored(em, batch, stored, inFlightBytes);
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
    inFlight(blob: BatchBlob, bytesDone: number): void {
      moving.set(blob.blobId, bytesDone);
      changed = true;
    },
    /** Answers how many wait to be written down. */
    finished(blob: BatchBlob): number {
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
