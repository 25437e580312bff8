/** TIDEMARK_CACHE_BYTES: layers that pulls have fetched leave the store, the least recently pulled first. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Remote } from '../../src/db/schema/remotes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import { pull } from '../support/api/pull.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';
import { openCacheScene, pullUnderWatch, stressSeconds } from './cache-scene.ts';
import type { CacheScene } from './cache-scene.ts';

let stage: Stage;
let scene: CacheScene;
beforeAll(async () => {
  stage = await openStage();
  scene = openCacheScene(stage);
});
afterAll(() => stage?.close());

test('the least recently pulled layer goes first, and is fetched again when it is pulled', async () => {
  const image = await scene.openImage(4);
  const [first, second, , fourth] = image.digests;
  const limit = image.bytes - 40_000;
  const api = await startHarnessApi(stage.harness, { cacheBytes: limit });
  try {
    for (const digest of image.digests.slice(0, 3)) await image.pull(api, digest);
    await until(async () => (await scene.storedOf(image)).join() === '0,1,2');
    for (const [at, digest] of image.digests.slice(0, 3).entries())
      await scene.rows(
        `update blob set used_at = now() - interval '${9 - at} hours' where digest = '${digest}'`,
      );
    await image.pull(api, first);
    await until(async () => {
      const used = await scene.rows(
        `select from blob where digest = '${first}' and used_at > now() - interval '1 hour'`,
      );
      return used.length > 0;
    });
    await image.pull(api, fourth);
    await until(async () => (await scene.storedOf(image)).join() === '0,2,3');
    expect(await scene.cacheBytes()).toBeLessThanOrEqual(limit);
    await image.pull(api, second);
    expect(image.asked(second ?? ('' as Digest))).toBe(2);
    expect(image.asked(first ?? ('' as Digest))).toBe(1);
  } finally {
    await api.close();
  }
});

test(
  'under concurrent pulls every client gets its bytes, the limit holds, and pinned layers stay',
  { timeout: (stressSeconds + 120) * 1_000 },
  async () => {
    const [image, kept] = [await scene.openImage(8), await scene.openImage(2)];
    const { repositoryId } = kept.ids;
    const em = stage.harness.em();
    const pinned = em.create(Distribution, { basePath: `kept/${process.pid}`, repositoryId, version: 1 });
    await em.flush();
    const plain = await startHarnessApi(stage.harness);
    for (const digest of kept.digests) await kept.pull(plain, digest);
    await plain.close();
    const limit = (await scene.cacheBytes()) + image.bytes / 2;
    const api = await startHarnessApi(stage.harness, { cacheBytes: limit });
    try {
      const { highest, pulled } = await pullUnderWatch((at) => image.pull(api, image.digests[at]), {
        layers: 8,
        random: randomInt,
        bytes: () => scene.cacheBytes(),
      });
      expect(highest).toBeGreaterThan(0);
      expect(highest).toBeLessThanOrEqual(limit * 1.02);
      expect(await scene.storedOf(kept)).toEqual([0, 1]);
      if (stressSeconds > 0)
        console.log(`${pulled} pulls; ${(highest / limit).toFixed(4)} of the limit at most`);
    } finally {
      await api.close();
      await em.nativeDelete(Distribution, { id: pinned.id });
    }
  },
);

test('what a pinned distribution or a repository with IMMEDIATE needs stays, until nothing needs it', async () => {
  const image = await scene.openImage(3);
  const other = await scene.openImage(2);
  const { repositoryId, remoteId } = image.ids;
  const em = stage.harness.em();
  const pinned = em.create(Distribution, { basePath: `evicted/${process.pid}`, repositoryId, version: 1 });
  await em.flush();
  // nothing fits: all that may leave leaves
  const api = await startHarnessApi(stage.harness, { cacheBytes: 1 });
  const pullOther = async () => {
    for (const digest of other.digests) await other.pull(api, digest);
    await until(async () => (await scene.storedOf(other)).length === 0);
  };
  try {
    for (const digest of image.digests) await image.pull(api, digest);
    await until(async () => (await scene.storedOf(image)).length === 3);
    await pullOther();
    expect(await scene.storedOf(image)).toEqual([0, 1, 2]);
    await em.nativeDelete(Distribution, { id: pinned.id });
    await em.nativeUpdate(Remote, { id: remoteId }, { policy: 'IMMEDIATE' });
    await pullOther();
    expect(await scene.storedOf(image)).toEqual([0, 1, 2]);
    await em.nativeUpdate(Remote, { id: remoteId }, { policy: 'ON_DEMAND' });
    await pullOther();
    await until(async () => (await scene.storedOf(image)).length === 0);
    for (const digest of image.digests) await image.pull(api, digest);
  } finally {
    await api.close();
  }
});

test('a size that a manifest claims evicts nothing, and a layer that the cache cannot hold leaves alone', async () => {
  const image = await scene.openImage(3);
  const other = await scene.openImage(1, 90_000);
  const [claimed] = other.digests;
  const api = await startHarnessApi(stage.harness, { cacheBytes: (await scene.cacheBytes()) + 165_000 });
  try {
    for (const digest of image.digests) await image.pull(api, digest);
    await until(async () => (await scene.storedRows(image)).join() === '0,1,2');
    const before = await scene.cacheBytes();
    // the upstream has another size than the manifest says
    other.upstream.on(`GET /v2/${upstreamName}/blobs/${claimed}`, { body: 'short' });
    const { status } = await pull(api.url, { path: `/v2/${other.name}/blobs/${claimed}` });
    expect([status, await scene.cacheBytes()]).toEqual([503, before]);
    other.upstream.off(`GET /v2/${upstreamName}/blobs/${claimed}`);
  } finally {
    await api.close();
  }
  const small = await startHarnessApi(stage.harness, { cacheBytes: 80_000 });
  try {
    // what is too much before is gone when the second one is
    await other.pull(small, claimed);
    await until(
      async () => (await scene.cacheBytes()) <= 80_000 && (await scene.storedOf(other)).length === 0,
    );
    for (const digest of image.digests.slice(0, 1)) await image.pull(small, digest);
    await until(async () => (await scene.storedOf(image)).includes(0));
    await other.pull(small, claimed);
    await until(async () => (await scene.storedOf(other)).length === 0);
    expect(await scene.storedOf(image)).toContain(0);
  } finally {
    await small.close();
  }
});
