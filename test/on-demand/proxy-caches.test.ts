/** `cacheBytes` of a proxy: what is pulled through its repositories stays within its limit, and what others have pulled stays. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { pull } from '../support/api/pull.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { openRegistryOf } from '../support/upstream/sample-registry.ts';
import { until } from '../support/until.ts';
import { makeLayers, openCacheScene, pullLayer, pullUnderWatch, stressSeconds } from './cache-scene.ts';
import type { CacheScene, SampleLayers } from './cache-scene.ts';

let stage: Stage;
let scene: CacheScene;
let api: HarnessApi;
const upstreams: FakeUpstream[] = [];

beforeAll(async () => {
  stage = await openStage();
  scene = openCacheScene(stage);
  api = await startHarnessApi(stage.harness);
});
afterAll(async () => {
  await api?.close();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  await stage?.close();
});

/** A proxy of a registry with these images, each of which was pulled without its layers. */
async function openProxy(basePath: string, images: Record<string, SampleLayers>, cacheBytes?: number) {
  const repositories = Object.entries(images).map(([name, { repository }]) => [name, repository] as const);
  const { upstream } = await openRegistryOf(new Map(repositories));
  upstreams.push(upstream);
  const input = { basePath, url: upstream.url, maxRetries: 0, cacheBytes };
  const { proxy, userErrors } = await api.mutate('proxyCreate', input, 'proxy { id }');
  expect(userErrors).toEqual([]);
  for (const name of Object.keys(images))
    expect((await pull(api.url, { path: `/v2/${basePath}/${name}/manifests/v1` })).status).toBe(200);
  const pullAt = async (name: string, at: number) => {
    const image = images[name];
    if (image !== undefined) await pullLayer(api, `${basePath}/${name}`, image, image.digests[at]);
  };
  return {
    upstream,
    pullAt,
    async pullAll(name: string) {
      for (const at of images[name]?.digests.keys() ?? []) await pullAt(name, at);
    },
    limit: (bytes: number) => api.mutate('proxyUpdate', { id: proxy.id, cacheBytes: bytes }),
    /** As the API says. */
    async cachedBytes(): Promise<number> {
      const read = await api.data('query ($id: ID!) { proxy(id: $id) { cachedBytes } }', { id: proxy.id });
      return Number(read.proxy.cachedBytes);
    },
  };
}

test(
  'under concurrent pulls a proxy keeps to its limit, and what another proxy has pulled stays',
  { timeout: (stressSeconds + 120) * 1_000 },
  async () => {
    const [image, other] = [makeLayers(8), makeLayers(2)];
    const limit = image.bytes / 2;
    const free = await openProxy('free', { app: other });
    await free.pullAll('app');
    const capped = await openProxy('capped', { app: image }, limit);
    const { highest, pulled } = await pullUnderWatch((at) => capped.pullAt('app', at), {
      layers: 8,
      random: randomInt,
      bytes: () => scene.cacheBytes('capped'),
    });
    expect(highest).toBeGreaterThan(0);
    expect(highest).toBeLessThanOrEqual(limit * 1.02);
    expect(await scene.storedOf(other)).toEqual([0, 1]);
    expect(await free.cachedBytes()).toBe(other.bytes);
    const cached = await capped.cachedBytes();
    expect([cached > 0, cached <= limit]).toEqual([true, true]);
    if (stressSeconds > 0)
      console.log(`${pulled} pulls through a proxy; ${(highest / limit).toFixed(4)} of its limit at most`);
  },
);

test('a layer counts for each proxy, and leaves the store with the last one that gives it up', async () => {
  const [shared, mine, yours] = [makeLayers(3), makeLayers(1), makeLayers(1)];
  const one = await openProxy('one', { shared, own: mine });
  const two = await openProxy('two', { shared, own: yours });
  await two.pullAll('shared');
  await until(async () => (await scene.storedRows(shared)).length === 3);
  expect([await one.cachedBytes(), await two.cachedBytes()]).toEqual([0, shared.bytes]);
  // served from the store, and counted behind the pull
  await one.pullAll('shared');
  await until(async () => (await one.cachedBytes()) === shared.bytes);
  const wanted = shared.digests.map((digest) => `/v2/shared/blobs/${digest}`);
  expect(one.upstream.requests.filter(({ path }) => wanted.includes(path))).toEqual([]);

  await one.limit(1);
  await one.pullAll('own');
  await until(async () => (await one.cachedBytes()) === 0);
  expect([await scene.storedOf(shared), await scene.storedOf(mine)]).toEqual([[0, 1, 2], []]);
  expect(await two.cachedBytes()).toBe(shared.bytes);
  await one.pullAll('shared');

  const em = stage.harness.em();
  const { id: repositoryId } = await em.findOneOrFail(Repository, { name: 'two/shared' });
  const pinned = em.create(Distribution, { basePath: 'pinned/shared', repositoryId, version: 1 });
  await em.flush();
  await two.limit(1);
  await two.pullAll('own');
  await until(async () => (await scene.storedOf(yours)).length === 0);
  expect(await scene.storedOf(shared)).toEqual([0, 1, 2]);
  await em.nativeDelete(Distribution, { id: pinned.id });
  await until(async () => {
    await Promise.all([one.pullAll('own'), two.pullAll('own')]);
    return (await scene.storedOf(shared)).length === 0;
  });
  await until(async () => (await one.cachedBytes()) + (await two.cachedBytes()) === 0);
  await one.pullAll('shared');
});
