/** Syncs of a remote with a fallback: what fails over, what does not, and what a fallback may change (docs/decisions/0013-fallbacks.md). */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, addLayer } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { upstreamName, verifyBlobs } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { mirrorName, pairScenes } from '../support/upstream/pair-scenes.ts';
import type { Pair } from '../support/upstream/pair-scenes.ts';

let stage: StageWithApi;
const opened: FakeUpstream[] = [];
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(async () => {
  await Promise.all(opened.map((upstream) => upstream.close()));
  await stage.close();
});

/** An image with one large layer at both places, and the size of half of it. */
function addLarge({ seed, repository, copy }: Pair) {
  const layer = addLayer(repository, `${seed}-large`, 2_000_000);
  for (const place of [repository, copy]) {
    addLayer(place, `${seed}-large`, 2_000_000);
    addImage(place, { seed: `${seed}-large`, layers: [layer], tag: 'large' });
  }
  const bytes = repository.blobs.get(layer.digest) ?? Buffer.alloc(0);
  return { layer, bytes, half: Math.floor(bytes.length / 2), path: `blobs/${layer.digest}` };
}

/** Sends the first bytes, then is gone for good. */
function dies(pair: Pair, bytes: Buffer, sentBytes: number): Answer {
  return async (_request, response) => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, sentBytes));
    const closed = once(response, 'close');
    response.socket?.destroySoon();
    await closed;
    await pair.upstream.close();
  };
}

const { openPair, upstreamsOf } = pairScenes(() => ({ stage, opened }));

describe('a blob', () => {
  test.concurrent('whose upstream dies in the middle goes on at the fallback, without the first half (fault 1)', async () => {
    const pair = await openPair();
    const { layer, bytes, half, path } = addLarge(pair);
    pair.upstream.on(`GET /v2/${upstreamName}/${path}`, dies(pair, bytes, half));
    const { task, warnings } = await pair.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(warnings).toEqual([]);
    const asked = pair.fallback.requestsOf(`GET /v2/${mirrorName}/${path}`);
    expect(asked.map(({ headers }) => headers.range)).toEqual([`bytes=${half}-`]);
    await verifyBlobs(pair.harness, [layer.digest]);
    const [own, other] = await upstreamsOf(task.id);
    const ownPlace = { url: pair.upstream.url, upstreamName, isFallback: false, hasList: true };
    expect(own).toMatchObject({ ...ownPlace, manifests: 2 });
    const otherPlace = { url: pair.fallback.url, upstreamName: mirrorName, isFallback: true, hasList: false };
    expect(other).toMatchObject(otherPlace);
    // each byte was delivered once
    const sizes = [...pair.repository.blobs.values(), ...documentsOf(pair.repository)].map(
      ({ length }) => length,
    );
    expect((own?.bytes ?? 0) + (other?.bytes ?? 0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(own?.bytes).toBeGreaterThanOrEqual(half);
    expect((own?.blobs ?? 0) + (other?.blobs ?? 0)).toBe(pair.repository.blobs.size);
  });

  test.concurrent('goes on at a fallback that knows no Range, and is fetched anew when the halves do not fit', async () => {
    const pair = await openPair();
    const { layer, bytes, half, path } = addLarge(pair);
    const wrong = Buffer.concat([bytes.subarray(0, half), Buffer.alloc(bytes.length - half, 7)]);
    const route = `GET /v2/${upstreamName}/${path}`;
    const whole: Answer = { headers: { 'content-type': mediaTypes.ociLayer }, body: bytes };
    const breaksOff: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': String(bytes.length) });
      response.write(bytes.subarray(0, half));
      response.socket?.destroySoon();
    };
    pair.upstream.on(route, breaksOff, breaksOff, whole);
    pair.fallback.on(`GET /v2/${mirrorName}/${path}`, { body: wrong }, whole);
    const { task } = await pair.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await verifyBlobs(pair.harness, [layer.digest]);
    expect(pair.fallback.requestsOf(`GET /v2/${mirrorName}/${path}`)).toHaveLength(2);
  });
});

function documentsOf({ manifests }: SampleRepository): Buffer[] {
  return [...manifests.values()].map(({ bytes }) => bytes);
}
