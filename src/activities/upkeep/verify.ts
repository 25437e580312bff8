import { createHash } from 'node:crypto';
import {
  markNotStored,
  readHolders,
  readStoredBlobs,
  verifyManifests,
} from '../../db/collection/verify-content.ts';
import type { StoredBlob } from '../../db/collection/verify-content.ts';
import { addToReport } from '../../db/tasks/upkeep-tasks.ts';
import { uploadedBlobLock } from '../../db/content/uploads.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { ContentDeleter, StoreInventory } from '../../content/store.ts';
import type { ContentSource } from '../../oci/content-source.ts';
import type { ActivityDeps } from '../deps.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';

/** What a verification works with. */
export interface VerifyDeps extends Pick<ActivityDeps, 'database' | 'blobLocks' | 'logger'> {
  readonly store: ContentSource & ContentDeleter & StoreInventory;
}

/** How far a verification has come; what an attempt after a broken one begins with. */
export interface VerifyPosition {
  readonly afterManifest: number;
  readonly afterBlob: number;
}

const pageManifests = 200;
const pageBlobs = 100;
/** Files read at one time: enough for a disk to be busy, few enough for pulls to get theirs. */
const readers = 2;

/**
 * Reads and hashes all that is said to be stored, in order of id, a page at a time. What is missing or damaged is marked as not stored, and
 * a damaged file removed: it is served as 404, never as wrong bytes, and the next sync or push brings it again (fault 84).
 * @param onPage told how far it is, after each page whose outcome is written down.
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
  for (;;) {
    const page = await readStoredBlobs(em, { afterId: afterBlob, limit: pageBlobs });
    const last = page.at(-1);
    if (last === undefined) return;
    await verifyPage(deps, taskId, page, signal);
    afterBlob = last.id;
    onPage({ afterManifest, afterBlob });
  }
}

/** What a power loss may have touched. */
const scrubHours = 1;

/**
 * Looks, at a start, whether the blobs that were stored last before it are there with their sizes; those that are not are marked
 * (fault 110). They are not read: a file is on the disk before it gets its name.
 * @returns how many were not.
 */
export async function scrubRecent(deps: VerifyDeps, signal: AbortSignal): Promise<number> {
  const em = deps.database.em.fork();
  let lost = 0;
  for (let afterId = 0; ;) {
    const page = await readStoredBlobs(em, { afterId, limit: pageBlobs, lastHours: scrubHours });
    const last = page.at(-1);
    if (last === undefined) return lost;
    afterId = last.id;
    await forEachConcurrently(page, { concurrency: readers, signal }, async (blob, laneSignal) => {
      if ((await deps.store.stat(blob.digest))?.sizeBytes === blob.sizeBytes) return;
      if ((await setAside(deps, blob, laneSignal)) !== 'whole') lost += 1;
    });
  }
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
    // removed, or replaced, while it was read
    if (isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN') return 'missing';
    throw error;
  }
  return `${digestAlgorithm(blob.digest)}:${hash.digest('hex')}` === blob.digest ? 'whole' : 'damaged';
}

/**
 * Looks again with the blob's lock held, for a push may have just repaired it. The file goes before the row is changed: were it there
 * while its row says that it is not, the next sync would take it for good.
 */
async function setAside(deps: VerifyDeps, blob: StoredBlob, signal: AbortSignal): Promise<Finding> {
  const { blobLocks, store, database, logger } = deps;
  const alone = <T>(work: () => Promise<T>) =>
    blobLocks.withLock(blob.digest, signal, () =>
      blobLocks.withLock(uploadedBlobLock(blob.digest), signal, work),
    );
  return alone(async () => {
    const finding = await inspect(deps, blob, signal);
    if (finding === 'whole') return finding;
    if (finding === 'damaged') await store.delete({ digest: blob.digest });
    await markNotStored(database.em.fork(), [blob.id]);
    const repositories = await readHolders(database.em.fork(), blob.id);
    logger.error(
      { digest: blob.digest, repositories, finding },
      'a stored blob is not what it should be; sync again what holds it',
    );
    return finding;
  });
}
