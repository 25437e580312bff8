import {
  countDue,
  findUnknownBlobs,
  markUnheld,
  removeBlobs,
  removeManifests,
} from '../../db/collection/collect-content.ts';
import { removeSignatures } from '../../db/collection/collect-signatures.ts';
import {
  countOldVersions,
  readRetainingRepositories,
  removeOldVersions,
  removeUnversioned,
} from '../../db/collection/collect-versions.ts';
import type { CollectionRun } from '../../db/collection/collect-versions.ts';
import { sweepDelivered } from '../../db/staging/reuse.ts';
import { removeExpiredCapabilities } from '../../db/tasks/host-capabilities.ts';
import { removeOldQuotas } from '../../db/upstreams/announced-quotas.ts';
import { removeOldBreakers } from '../../db/upstreams/host-breakers.ts';
import { clearEndedStages } from '../../db/tasks/tasks.ts';
import { addToReport } from '../../db/tasks/upkeep-tasks.ts';
import { uploadedBlobLock } from '../../db/content/uploads.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ActivityDeps } from '../deps.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { readPages } from '../../upstream/read-pages.ts';

const pageRows = 1_000;
const membershipRows = 5_000;
/** Locks are held while so many files are removed. */
const pageFiles = 200;
const deletions = 8;

/** Removes versions beyond `retainVersions`, then the memberships that only those had. */
export async function collectVersions(
  { database }: ActivityDeps,
  run: CollectionRun,
  signal: AbortSignal,
): Promise<void> {
  const em = database.em.fork();
  const pages = readPages(
    0,
    (id: number) => id,
    (afterId) => readRetainingRepositories(em, afterId, pageRows),
  );
  for await (const repositories of pages)
    for (const repositoryId of repositories) {
      signal.throwIfAborted();
      await removeOldVersions(em, repositoryId, run);
      while (await removeUnversioned(em, repositoryId, membershipRows)) signal.throwIfAborted();
    }
}

/** Marks unheld content, and removes content that has been marked for the grace period: first rows, then files. */
export async function collectContent(
  deps: ActivityDeps,
  run: CollectionRun,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  await clearEndedStages(em);
  await removeExpiredCapabilities(em);
  await removeOldBreakers(em);
  await removeOldQuotas(em);
  await markUnheld(em, () => signal.throwIfAborted());
  while ((await removeManifests(em, run, pageRows)) > 0) signal.throwIfAborted();
  for (let last: number | undefined = 0; last !== undefined;) {
    signal.throwIfAborted();
    last = await removeSignatures(em, last, pageRows);
  }
  for (;;) {
    const digests = await removeBlobs(em, run, pageFiles);
    if (digests.length === 0) break;
    // after a crash here collectFiles finds the files
    await removeFiles(deps, digests, signal);
  }
  await sweepDelivered(em);
}

/** Removes files without a row that are older than the grace period. A push stores the file before the row. */
export async function collectFiles(
  deps: ActivityDeps,
  run: CollectionRun & { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const newest = Date.now() - run.graceSeconds * 1000;
  for await (const page of pagesOf(deps.store.list(), pageRows)) {
    signal.throwIfAborted();
    const old: Digest[] = [];
    let bytes = 0;
    await forEachConcurrently(
      await findUnknownBlobs(em, page),
      { concurrency: deletions, signal },
      async (digest) => {
        const found = await deps.store.stat(digest);
        if (found === undefined || found.modifiedAt.getTime() > newest) return;
        bytes += found.sizeBytes;
        old.push(digest);
      },
    );
    if (!run.dryRun)
      for (let from = 0; from < old.length; from += pageFiles)
        await removeFiles(deps, old.slice(from, from + pageFiles), signal);
    await addToReport(em, run.taskId, { files: old.length, bytes });
  }
}

/** Reports what a run would remove now. */
export async function planCollection({ database }: ActivityDeps, run: CollectionRun): Promise<void> {
  const em = database.em.fork();
  const versions = await countOldVersions(em, run);
  await addToReport(em, run.taskId, { versions, ...(await countDue(em, run)) });
}

/**
 * Removes the files of blobs that have no row. A writer holds the blob's lock until its row exists, or has a row that refers to the blob.
 * So a file in use is never removed (fault 111).
 */
export async function removeFiles(
  { database, blobLocks, store }: Pick<ActivityDeps, 'database' | 'blobLocks' | 'store'>,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<void> {
  const keys = digests.flatMap((digest) => [digest, uploadedBlobLock(digest)]);
  await blobLocks.withFree(keys, async (free, lost) => {
    const isFree = new Set(free);
    const unknown = await findUnknownBlobs(
      database.em.fork(),
      digests.filter((digest) => isFree.has(digest) && isFree.has(uploadedBlobLock(digest))),
    );
    await forEachConcurrently(
      unknown,
      { concurrency: deletions, signal: AbortSignal.any([signal, lost]) },
      (digest) => store.delete({ digest }),
    );
  });
}

async function* pagesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
