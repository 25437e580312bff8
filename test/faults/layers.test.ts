import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBlob, addImage, addLayer, addManifest, removeTag } from '../../src/demo/sample-image.ts';
import { seededBytes } from '../../src/demo/sample-layer.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { expectKept, openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** A new tag `new` whose one layer is answered as the test says. */
function addBroken(scene: Scene, sizeBytes: number): { digest: Digest; bytes: Buffer; route: string } {
  const layer = addLayer(scene.repository, `${scene.seed}-new`, sizeBytes);
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [layer], tag: 'new' });
  const bytes = scene.repository.blobs.get(layer.digest) ?? Buffer.alloc(0);
  return { digest: layer.digest, bytes, route: `GET /v2/${upstreamName}/blobs/${layer.digest}` };
}

const octets = { 'content-type': 'application/octet-stream' };

test.concurrent('fault 25: a blob that comes gzipped is stored as the bytes of its digest', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 50_000);
  scene.upstream.on(route, {
    headers: { ...octets, 'content-encoding': 'gzip' },
    body: gzipSync(bytes),
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(scene.upstream.requestsOf(route)[0]?.headers['accept-encoding']).toBe('identity');
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 48: foreign layers that the upstream does not have are recorded with a warning, and never asked of their urls', async () => {
  const scene = await stage.openSynced();
  const elsewhere = scene.upstream.url.replace('127.0.0.1', 'localhost');
  const foreign = {
    mediaType: mediaTypes.dockerForeignLayerGzip,
    digest: digestBytes(seededBytes(`${scene.seed}-foreign`, 10)),
    size: 10,
    urls: [`${elsewhere}/foreign`],
  };
  const config = addBlob(
    scene.repository,
    Buffer.from('{"os":"windows","architecture":"amd64"}'),
    mediaTypes.dockerConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-layer`, 3_000, 'docker');
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config,
    layers: [foreign, layer],
  };
  addManifest(scene.repository, document, mediaTypes.dockerManifest, 'windows');
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const blobs = await stage.harness.content(scene.ids.repositoryId, 2, 'blob');
  expect(blobs).toContain(layer.digest);
  expect(blobs).not.toContain(foreign.digest);
  expect(scene.upstream.requests.filter(({ path }) => path.startsWith('/foreign'))).toEqual([]);
  expect(outcome.warnings).toEqual([expect.stringContaining(foreign.digest)]);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 49: no layers, a blob of no bytes and the same layer 100 times are stored, each blob once', async () => {
  const scene = await stage.openSynced();
  const { repository, seed } = scene;
  const empty = addBlob(repository, Buffer.alloc(0), mediaTypes.ociLayer);
  const layer = addLayer(repository, `${seed}-same`, 2_000);
  addImage(repository, { seed: `${seed}-none`, layers: [], tag: 'no-layers' });
  addImage(repository, { seed: `${seed}-empty`, layers: [empty], tag: 'empty-layer' });
  addImage(repository, {
    seed: `${seed}-same`,
    layers: Array.from({ length: 100 }, () => layer),
    tag: 'same',
  });
  const data = {
    ...addBlob(repository, Buffer.from(`{"seed":"${seed}"}`), 'application/x-test+json'),
    data: 'AAAA',
  };
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: data, layers: [layer] };
  addManifest(repository, document, mediaTypes.ociManifest, 'wrong-data');
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  for (const { digest } of [layer, empty, data])
    expect(scene.upstream.requestsOf(`GET /v2/${upstreamName}/blobs/${digest}`).length).toBeLessThanOrEqual(
      1,
    );
  // three configs, the config with data, the layer, and the blob of no bytes
  expect(outcome.summary?.added).toMatchObject({ tags: 4, manifests: 4, blobs: 6 });
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 50: a config above 4 MiB is stored and not parsed', async () => {
  const scene = await stage.openSynced();
  const config = addBlob(
    scene.repository,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', padding: 'x'.repeat(5 * 1024 * 1024) })),
    mediaTypes.ociConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-layer`, 1_000);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  const { digest } = addManifest(scene.repository, document, mediaTypes.ociManifest, 'big-config');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const rows = await stage.harness.database.em
    .fork()
    .execute<{ platform: string | null }[]>('select platform from manifest where digest = ?', [digest]);
  expect(rows).toEqual([{ platform: null }]);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test('fault 53: what would exceed the quota is STORAGE_QUOTA, and leaves no temporary file', async () => {
  const small = await openStage({ quotaBytes: 400_000 });
  try {
    const scene = await small.openSynced();
    const { route } = addBroken(scene, 500_000);
    await expectKept(scene, await scene.sync(), {
      code: 'STORAGE_QUOTA',
      says: ['400000'],
      namesRequest: false,
    });
    expect(scene.upstream.requestsOf(route)).toEqual([]);
    // each would fit, all together do not: refused before the first
    for (let at = 0; at < 5; at += 1)
      addImage(scene.repository, { seed: `${scene.seed}-${at}`, layers: [100_000], tag: 'new' + String(at) });
    removeTag(scene.repository, 'new');
    await expectKept(scene, await scene.sync(), { code: 'STORAGE_QUOTA', namesRequest: false });
    expect(scene.upstream.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(await small.harness.partialFiles()).toEqual([]);
    expect((await scene.sync({ dryRun: true })).task).toMatchObject({ state: 'COMPLETED' });
  } finally {
    await small.close();
  }
});
