import type { Em } from '../../db/open-database.ts';
import { markBlobsStored } from '../../db/staging/sync-blobs.ts';
import type { BatchBlob, BatchOfRemote, FinishedBlob } from '../../db/staging/sync-blobs.ts';

/** Collects the progress of a batch and writes it, one transaction at a time. */
export function createBatchReport(em: Em, batch: BatchOfRemote, countedBytes: number) {
  const moving = new Map<number, number>();
  /** Bytes by blob that an earlier attempt or another sync fetched. They do not count as speed. */
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
      // bytes of this sync's earlier attempts counted as speed then
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
    /** @returns how many finished blobs are not written yet. */
    finished(blob: FinishedBlob): number {
      moving.delete(blob.blobId);
      changed = true;
      return finished.push(blob);
    },
    write,
    /** Writes, unless a write is under way: writes must not queue up while the database is away. */
    tick(): void {
      if (waiting === 0) write().catch(() => undefined);
    },
  };
}
