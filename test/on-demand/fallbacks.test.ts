/** Pulls through a remote whose own upstream is down, and whose fallback is not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { pull } from '../support/api/pull.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { upstreamName } from '../support/sync/stage.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';

let stage: StageWithApi;
let fallback: FakeUpstream;
const copy = createSampleRepository();

beforeAll(async () => {
  stage = await openStageWithApi();
  fallback = await openFakeUpstream({ fallback: sampleAnswers(copy) });
});
afterAll(async () => {
  await fallback.close();
  await stage.close();
});

async function openThrough(policy: 'ON_DEMAND' | 'STREAMED') {
  const image = addImage(copy, { seed: `fallback-${policy}`, layers: [300_000], tag: policy.toLowerCase() });
  const scene = await stage.open({ remote: { policy, fallbacks: [{ url: fallback.url }] } });
  const em = scene.harness.em();
  const distribution = await em.findOneOrFail(Distribution, { repositoryId: scene.ids.repositoryId });
  distribution.pullThrough = true;
  await em.flush();
  const document = JSON.parse(String(copy.manifests.get(image.digest)?.bytes)) as {
    layers: { digest: Digest }[];
  };
  const get = (path: string) => pull(stage.api.url, { path: `/v2/${distribution.basePath}/${path}` });
  return { ...scene, get, image, tag: policy.toLowerCase(), layer: document.layers[0]?.digest ?? '' };
}

test.each(['ON_DEMAND', 'STREAMED'] as const)(
  '%s: tags and layers come from the fallback',
  async (policy) => {
    const scene = await openThrough(policy);
    await scene.upstream.close();
    const manifest = await scene.get(`manifests/${scene.tag}`);
    expect([manifest.status, digestBytes(manifest.body)]).toEqual([200, scene.image.digest]);
    const layer = await scene.get(`blobs/${scene.layer}`);
    expect([layer.status, digestBytes(layer.body)]).toEqual([200, scene.layer]);
    // that the fallback lacks it says nothing about the upstream
    const absent = await scene.get('manifests/absent');
    expect(absent.status).toBeGreaterThanOrEqual(500);
    expect(fallback.requestsOf(`GET /v2/${upstreamName}/manifests/absent`)).toHaveLength(1);
    fallback.requests.length = 0;
  },
);

test('a layer that breaks off goes on at the fallback, for the client that reads it', async () => {
  const scene = await openThrough('STREAMED');
  for (const [digest, bytes] of copy.blobs) scene.repository.blobs.set(digest, bytes);
  for (const [digest, document] of copy.manifests) scene.repository.manifests.set(digest, document);
  scene.repository.tags.set(scene.tag, scene.image.digest);
  const bytes = copy.blobs.get(scene.layer as Digest) ?? Buffer.alloc(0);
  const sentBytes = 100_000;
  scene.upstream.on(`GET /v2/${upstreamName}/blobs/${scene.layer}`, (_request, response) => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, sentBytes));
    response.socket?.destroySoon();
  });
  expect((await scene.get(`manifests/${scene.tag}`)).status).toBe(200);
  const layer = await scene.get(`blobs/${scene.layer}`);
  expect([layer.status, digestBytes(layer.body)]).toEqual([200, scene.layer]);
  const asked = fallback.requestsOf(`GET /v2/${upstreamName}/blobs/${scene.layer}`);
  expect(asked.map(({ headers }) => headers.range)).toEqual([`bytes=${sentBytes}-`]);
});
