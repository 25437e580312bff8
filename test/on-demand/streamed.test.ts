/** Layers that are fetched at each pull and never kept: the policy STREAMED. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { blob, truncated } from '../support/upstream/fake-upstream.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { until } from '../support/until.ts';
import { damaged, openBlob, openOnDemand, outcome, pullBlob } from './scene.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const open = () => openOnDemand(stage, { policy: 'STREAMED' });

test('a layer is fetched by each pull, whole or in part, and not stored', async () => {
  const scene = await open();
  const whole = scene.bytesOf(scene.large);
  expect(await scene.isStored(scene.config)).toBe(true);
  expect((await pullBlob(api, scene, scene.large)).body.equals(whole)).toBe(true);
  const part = await pullBlob(api, scene, scene.large, { range: 'bytes=5-1000004' });
  expect([part.status, part.body.equals(whole.subarray(5, 1_000_005))]).toEqual([206, true]);
  const last = await pullBlob(api, scene, scene.large, { range: 'bytes=-1' });
  expect(last.body.equals(whole.subarray(-1))).toBe(true);
  expect(scene.asked(scene.large)).toBe(3);
  expect(await scene.isNowhere(scene.large)).toBe(true);
  expect(await scene.harness.partialFiles()).toEqual([]);
});

test.each(['', 'bytes=0-999'])('wrong bytes break the transfer off (range "%s")', async (range) => {
  const scene = await open();
  scene.upstream.on(scene.routeOf(scene.large), damaged(scene.bytesOf(scene.large)));
  expect(await outcome(pullBlob(api, scene, scene.large, range === '' ? {} : { range }))).toBe('broken');
});

test('so does an upstream that breaks off', async () => {
  const scene = await open();
  scene.upstream.on(scene.routeOf(scene.large), truncated({ body: scene.bytesOf(scene.large) }, 1_000_000));
  expect(await outcome(pullBlob(api, scene, scene.large))).toBe('broken');
});

test('a client that leaves ends its fetch', async () => {
  const scene = await open();
  let gone = false;
  scene.upstream.on(scene.routeOf(scene.large), (_request, response) => {
    response.writeHead(200, { 'content-length': String(scene.bytesOf(scene.large).length) });
    response.write(scene.bytesOf(scene.large).subarray(0, 1_000));
    response.once('close', () => (gone = true));
  });
  const client = await openBlob(api, scene, scene.large);
  client.destroy();
  await until(() => gone);
});

test('stored blobs are served from the store; others are 503 while the upstream is unavailable', async () => {
  const scene = await openOnDemand(stage);
  await pullBlob(api, scene, scene.small);
  await until(() => scene.isStored(scene.small));
  await scene.harness.updateRemote(scene.ids.remoteId, { policy: 'STREAMED', maxRetries: 0 });
  scene.upstream.on(scene.routeOf(scene.large), blob(scene.bytesOf(scene.large)));
  await scene.upstream.close();
  expect((await pullBlob(api, scene, scene.small)).status).toBe(200);
  expect((await pullBlob(api, scene, scene.large)).status).toBe(503);
});

test('pulls that fetch share the bandwidth of the remote', async () => {
  const rate = 6e6;
  const scene = await openOnDemand(stage, { policy: 'STREAMED', bytesPerSecond: '6MB/s' });
  const startedAt = performance.now();
  const pulled = await Promise.all([1, 2].map(() => pullBlob(api, scene, scene.large)));
  const seconds = (performance.now() - startedAt) / 1000;
  const bytes = pulled.reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBe(2 * scene.bytesOf(scene.large).length);
  // half a second at once, and what each pull takes before it waits
  expect(bytes).toBeLessThanOrEqual(rate * seconds + rate / 2 + 2 * 128 * 1024);
});
