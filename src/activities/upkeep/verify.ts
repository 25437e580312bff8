import { createHash } from 'node:crypto';
import {
  markNotStored,
  readHolders,
  readStoredBlobs,
  verifyManifests,
} from '../../db/collection/verify-content.ts';
import type { StoredBlob } from '../../db/collection/verify-content.ts';
import type { Em } from '../../db/open-database.ts';
import { addToReport } from '../../db/tasks/upkeep-tasks.ts';
import { isBlobStored } from '../../db/reads/read-served.ts';
import { uploadedBlobLock } from '../../db/content/uploads.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { ContentDeleter, StoreInventory } from '../../content/store.ts';
import type { ContentSource } from '../../oci/content-source.ts';
import type { ActivityDeps } from '../deps.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { readPages } from '../../upstream/read-pages.ts';

export interface VerifyDeps extends Pick<ActivityDeps, 'database' | 'blobLocks' | 'logger'> {
  readonly store: ContentSource & ContentDeleter & StoreInventory;
}

/** The position of a verification, where the next attempt continues. */
export interface VerifyPosition {
  readonly afterManifest: number;
  readonly afterBlob: number;
}

const pageManifests = 200;
const pageBlobs = 100;
/** Concurrent reads: enough to keep a disk busy, few enough not to slow down pulls. */
const readers = 2;

/**
 * Hashes all stored content in order of id, a page at a time. Missing and damaged blobs are marked as not stored, and damaged files are
 * removed. Pulls of them get 404 and never wrong bytes, and the next sync or push stores them again (fault 84).
 * @param onPage called after each page whose results are written
 */
export async function verifyContent(
  deps: VerifyDeps,
  verification: {
    readonly taskId: number;
    readonly from: VerifyPosition;
    readonly onPage: (position: VerifyPosition) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const { taskId, onPage } = verification;
  let { afterManifest, afterBlob } = verification.from;
  for (;;) {
    signal.throwIfAborted();
    const last = await verifyManifests(em, { taskId, afterId: afterManifest, limit: pageManifests });
    if (last === undefined) break;
    afterManifest = last;
    onPage({ afterManifest, afterBlob });
  }
  for await (const page of readBlobPages(em, afterBlob)) {
    await verifyPage(deps, taskId, page, signal);
    afterBlob = page.at(-1)?.id ?? afterBlob;
    onPage({ afterManifest, afterBlob });
  }
}

/** The time before a power loss whose writes may be lost. */
const scrubHours = 1;

/**
 * At a start, compares the sizes of the files stored last, and marks missing ones (fault 110). The files are not read, because a file is
 * synced before it gets its name.
 * @returns the number of marked blobs
 */
export async function scrubRecent(deps: VerifyDeps, signal: AbortSignal): Promise<number> {
  const em = deps.database.em.fork();
  let lost = 0;
  for await (const page of readBlobPages(em, 0, { lastHours: scrubHours }))
    await forEachConcurrently(page, { concurrency: readers, signal }, async (blob, laneSignal) => {
      if ((await deps.store.stat(blob.digest))?.sizeBytes === blob.sizeBytes) return;
      if ((await setAside(deps, blob, laneSignal)) !== 'whole') lost += 1;
    });
  return lost;
}

function readBlobPages(em: Em, start: number, recent: { readonly lastHours?: number } = {}) {
  return readPages(
    start,
    ({ id }: StoredBlob) => id,
    (afterId) => readStoredBlobs(em, { afterId, limit: pageBlobs, ...recent }),
  );
}

type Finding = 'whole' | 'missing' | 'damaged';

async function verifyPage(
  deps: VerifyDeps,
  taskId: number,
  page: readonly StoredBlob[],
  signal: AbortSignal,
): Promise<void> {
  const counts = { blobs: 0, bytes: 0, missing: 0, damaged: 0 };
  await forEachConcurrently(page, { concurrency: readers, signal }, async (blob, laneSignal) => {
    const seen = await inspect(deps, blob, laneSignal);
    const finding = seen === 'whole' ? seen : await setAside(deps, blob, laneSignal);
    counts.blobs += 1;
    counts.bytes += blob.sizeBytes;
    if (finding !== 'whole') counts[finding] += 1;
  });
  await addToReport(deps.database.em.fork(), taskId, counts);
}

async function inspect({ store }: VerifyDeps, blob: StoredBlob, signal: AbortSignal): Promise<Finding> {
  const descriptor = { digest: blob.digest, size: blob.sizeBytes, mediaType: 'application/octet-stream' };
  const found = await store.stat(blob.digest);
  if (found === undefined) return 'missing';
  if (found.sizeBytes !== blob.sizeBytes) return 'damaged';
  const hash = createHash(digestAlgorithm(blob.digest));
  try {
    const body = await store.fetch(descriptor, { signal });
    for await (const chunk of body.bytes) hash.update(chunk);
  } catch (error) {
    // removed or replaced during the read
    if (isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN') return 'missing';
    throw error;
  }
  return `${digestAlgorithm(blob.digest)}:${hash.digest('hex')}` === blob.digest ? 'whole' : 'damaged';
}

/**
 * Inspects again under the blob's lock, because a push may have repaired it. The file is removed before the row is changed. Otherwise the
 * next sync could accept the damaged file as stored.
 */
async function setAside(deps: VerifyDeps, blob: StoredBlob, signal: AbortSignal): Promise<Finding> {
  const { blobLocks, store, database, logger } = deps;
  const alone = <T>(work: () => Promise<T>) =>
    blobLocks.withLock(blob.digest, signal, () =>
      blobLocks.withLock(uploadedBlobLock(blob.digest), signal, work),
    );
  return alone(async () => {
    // evicted or collected since it was read
    if (!(await isBlobStored(database.em.fork(), blob.digest))) return 'whole';
    const finding = await inspect(deps, blob, signal);
    if (finding === 'whole') return finding;
    if (finding === 'damaged') await store.delete({ digest: blob.digest });
    await markNotStored(database.em.fork(), [blob.id]);
    const repositories = await readHolders(database.em.fork(), blob.id);
    logger.error(
      { digest: blob.digest, repositories, finding },
      'a stored blob is missing or damaged; sync its repositories again',
    );
    return finding;
  });
}
