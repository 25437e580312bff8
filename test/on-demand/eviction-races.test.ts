/** Evictions at the same moment as a download or a mount of the same layer. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { evictBlob } from '../../src/db/collection/evict-blobs.ts';
import { linkBlob } from '../../src/db/content/uploads.ts';
import type { Em } from '../../src/db/open-database.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';
import { openCacheScene } from './cache-scene.ts';
import type { CacheScene } from './cache-scene.ts';

let stage: Stage;
let scene: CacheScene;
beforeAll(async () => {
  stage = await openStage();
  scene = openCacheScene(stage);
});
afterAll(() => stage?.close());

const evict = (digest: Digest) => (em: Em) => evictBlob(em, digest, null);

test('a layer that is fetched with logins on while it is evicted is stored, or its row says that it is not', async () => {
  const image = await scene.openImage(2);
  const [digest = '' as Digest, second] = image.digests;
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const { store } = stage.harness;
  const slow = {
    ...store,
    async delete(descriptor: { readonly digest: Digest }) {
      if (descriptor.digest !== digest) return store.delete(descriptor);
      reached.resolve();
      await gate.promise;
      await store.delete(descriptor);
    },
  };
  const logins = { tokens: true, oidc: undefined };
  const fetching = await startHarnessApi(stage.harness, { logins });
  const evicting = await startHarnessApi(stage.harness, { logins, store: slow, cacheBytes: 1 });
  try {
    await image.pull(fetching, digest);
    await until(async () => (await scene.storedRows(image)).includes(0));
    await image.pull(evicting, second);
    await reached.promise;
    // The row says that it is not stored, and its file is still there. The download waits for the lock of the eviction, which it asks for again
    // and again.
    let isDone = false;
    const pulled = image.pull(fetching, digest).finally(() => {
      isDone = true;
    });
    const attempts = new Set<unknown>();
    await until(async () => {
      const asked = await scene.rows(
        "select query_start::text as at from pg_stat_activity where datname = current_database() and application_name = 'tidemark blob locks'",
      );
      for (const { at } of asked) attempts.add(at);
      return isDone || attempts.size > 5;
    });
    gate.resolve();
    await evicting.close();
    await pulled;
    await until(async () => (await scene.storedRows(image)).includes(0));
    expect(await scene.storedOf(image)).toContain(0);
  } finally {
    gate.resolve();
    await fetching.close();
  }
});

test('a mount and an eviction at the same moment: the blob is not stored, or it stays', async () => {
  const image = await scene.openImage(2);
  const [kept = '' as Digest, gone = '' as Digest] = image.digests;
  const { repositoryId } = image.ids;
  const api = await startHarnessApi(stage.harness);
  for (const digest of image.digests) await image.pull(api, digest);
  await api.close();
  const isWaiting = async () =>
    (
      await scene.rows(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%blob%'",
      )
    ).length > 0;
  /** Runs the second in a transaction of its own, while the first has not committed. */
  const overlap = async <A, B>(first: (em: Em) => Promise<A>, second: (em: Em) => Promise<B>) => {
    let later: Promise<B> | undefined;
    const earlier = await stage.harness.em().transactional(async (em) => {
      const result = await first(em);
      let isOver = false;
      later = second(stage.harness.em()).finally(() => {
        isOver = true;
      });
      await until(async () => isOver || (await isWaiting()));
      return result;
    });
    return [earlier, await later];
  };
  const link = (digest: Digest) => (em: Em) => linkBlob(em, { repositoryId, digest });
  expect(await overlap(link(kept), evict(kept))).toEqual([true, 'needed']);
  expect(await overlap(evict(gone), link(gone))).toEqual(['evicted', false]);
});
