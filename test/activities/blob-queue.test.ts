import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobQueue } from '../../src/activities/sync/blob-queue.ts';
import { forEachConcurrently } from '../../src/upstream/limiter.ts';
import { createBlobLocks } from '../../src/db/content/blob-lock.ts';
import type { BatchBlob } from '../../src/db/staging/sync-blobs.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { createEmptyDatabase } from '../support/servers/servers.ts';
import type { TestDatabase } from '../support/servers/servers.ts';

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createEmptyDatabase();
});
afterAll(() => testDatabase.drop());

const never = new AbortController().signal;
const blobs = Array.from({ length: 300 }, (_, index): BatchBlob => {
  const sizeBytes = index % 50 === 0 ? 20 * 1024 * 1024 : 1000;
  const digest = digestBytes(Buffer.from(`blob ${index}`));
  return { blobId: index + 1, digest, sizeBytes, isEntry: false, isOptional: false, inlineManifestId: null };
});

async function* inPages(all: readonly BatchBlob[]): AsyncGenerator<readonly BatchBlob[]> {
  for (let from = 0; from < all.length; from += 200) yield all.slice(from, from + 200);
}

test('two workers with the same blobs: each gets all of them, none at the same time, and neither waits for ever', async () => {
  const running = new Set<string>();
  let together = 0;
  const work = async (own: readonly BatchBlob[]) => {
    const locks = createBlobLocks(testDatabase.url);
    const queue = createBlobQueue(locks, inPages(own), 5);
    const got: number[] = [];
    const fetch = async ({ blobId, digest }: BatchBlob) => {
      if (running.has(digest)) together += 1;
      running.add(digest);
      await new Promise(setImmediate);
      running.delete(digest);
      got.push(blobId);
    };
    await forEachConcurrently(
      queue,
      { concurrency: 5, signal: never },
      async ({ blob, isLocked, done }, signal) => {
        await (isLocked ? fetch(blob) : locks.withLock(blob.digest, signal, () => fetch(blob)));
        await done();
      },
    );
    await queue.close();
    await locks.close();
    return got.sort((a, b) => a - b);
  };
  const ids = blobs.map(({ blobId }) => blobId);
  expect(await Promise.all([work(blobs), work(blobs.toReversed())])).toEqual([ids, ids]);
  expect(together).toBe(0);
});

test('closing the queue frees blobs that were taken and not handed out', async () => {
  const [locks, others] = [createBlobLocks(testDatabase.url), createBlobLocks(testDatabase.url)];
  const small = blobs.filter(({ sizeBytes }) => sizeBytes === 1000).slice(0, 10);
  const digests = small.map(({ digest }) => digest);
  const queue = createBlobQueue(locks, inPages(small), 5);
  for await (const { isLocked } of queue) {
    expect(isLocked).toBe(true);
    break;
  }
  expect((await others.takeFree(digests)).keys).toEqual([]);
  await queue.close();
  const taken = await others.takeFree(digests);
  expect(taken.keys).toEqual(digests);
  await taken.release();
  await locks.close();
  await others.close();
});
