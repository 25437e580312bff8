import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBlob, addImage, addIndex, addLayer, addManifest } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { expectKept, openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ manifestMaxBytes: 256 * 1024 });
});
afterAll(() => stage.close());

const manifestRoute = (reference: string): string => `GET /v2/${upstreamName}/manifests/${reference}`;

function image(scene: Scene, name: string): { config: Descriptor; layer: Descriptor; document: object } {
  const config = addBlob(
    scene.repository,
    Buffer.from(`{"seed":"${scene.seed}-${name}"}`),
    mediaTypes.ociConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-${name}`, 1_000);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  return { config, layer, document };
}

function textOf(document: object): string {
  return JSON.stringify(document);
}

test.concurrent('fault 43: sha512 digests are synced like others', async () => {
  const scene = await stage.openSynced();
  const { repository } = scene;
  const layerBytes = Buffer.from(`layer ${scene.seed}`);
  const layer = {
    mediaType: mediaTypes.ociLayer,
    digest: digestBytes(layerBytes, 'sha512'),
    size: layerBytes.length,
  };
  repository.blobs.set(layer.digest, layerBytes);
  const { config } = image(scene, 'sha512');
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  const bytes = Buffer.from(textOf(document));
  const child = {
    mediaType: mediaTypes.ociManifest,
    digest: digestBytes(bytes, 'sha512'),
    size: bytes.length,
  };
  repository.manifests.set(child.digest, { digest: child.digest, mediaType: child.mediaType, bytes });
  addIndex(repository, { manifests: [child], tag: 'new' });
  expect((await scene.sync()).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: 2,
    errorMessage: null,
  });
  expect(await stage.harness.content(scene.ids.repositoryId, 2, 'manifest')).toContain(child.digest);
  expect(await stage.harness.content(scene.ids.repositoryId, 2, 'blob')).toContain(layer.digest);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

/** An index over an index over … an image: `levels` indexes, each with `width` children of the level below. */
function tower(scene: Scene, levels: number, width: number): void {
  let below = Array.from({ length: width }, (_, at) =>
    addImage(scene.repository, { seed: `${scene.seed}-floor-${at}`, layers: [200] }),
  );
  for (let level = 1; level < levels; level += 1)
    below = Array.from({ length: width }, (_, at) =>
      addIndex(scene.repository, {
        manifests: below,
        annotations: { level: `${level}`, at: `${at}`, seed: scene.seed },
      }),
    );
  addIndex(scene.repository, { manifests: below, annotations: { seed: scene.seed }, tag: 'new' });
}

test.concurrent('fault 44: a diamond of 2^20 paths asks for each of its 41 manifests once', async () => {
  const scene = await stage.openSynced();
  tower(scene, 20, 2);
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2, errorMessage: null });
  expect(outcome.summary?.added.manifests).toBe(41);
  const asked = scene.upstream.requests.filter(({ path }) => path.includes('/manifests/sha256:'));
  expect(asked).toHaveLength(40);
  expect(new Set(asked.map(({ path }) => path)).size).toBe(40);
});

test.concurrent('fault 44: 64 levels of indexes are taken, 65 refused, also when all but the top is stored', async () => {
  const scene = await stage.openSynced();
  tower(scene, 64, 1);
  expect((await scene.sync()).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: 2,
    errorMessage: null,
  });
  const top = scene.repository.tags.get('new');
  if (top === undefined) throw new Error('the tower has no top');
  const topBytes = scene.repository.manifests.get(top)?.bytes.length ?? 0;
  addIndex(scene.repository, {
    manifests: [{ mediaType: mediaTypes.ociIndex, digest: top, size: topBytes }],
    tag: 'newer',
  });
  const before = await readVersions(stage.harness, scene.ids.repositoryId);
  const kept = { code: 'GRAPH_TOO_LARGE', says: ['64 levels'], namesRequest: false };
  await expectKept({ ...scene, before }, await scene.sync(), kept);

  const other = await stage.openSynced();
  tower(other, 65, 1);
  await expectKept(other, await other.sync(), kept);
});

test.concurrent('fault 44: an index that lists itself cannot be stored, for its digest would differ', async () => {
  const scene = await stage.openSynced();
  const itself = `sha256:${'5'.repeat(64)}` as Digest;
  const manifests: Descriptor[] = [{ mediaType: mediaTypes.ociIndex, digest: itself, size: 300 }];
  const body = textOf({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  addManifest(scene.repository, Buffer.from(body), mediaTypes.ociIndex, 'new');
  scene.upstream.on(manifestRoute(itself), { headers: { 'content-type': mediaTypes.ociIndex }, body });
  await expectKept(scene, await scene.sync(), { code: 'DIGEST_MISMATCH', says: [itself] });
});

test.concurrent('fault 45: an index is synced without a missing child, and fails without any', async () => {
  const scene = await stage.openSynced();
  const [first, second] = [1, 2].map((at) =>
    addImage(scene.repository, { seed: `${scene.seed}-${at}`, layers: [200] }),
  ) as [Descriptor, Descriptor];
  const index = addIndex(scene.repository, { manifests: [first, second], tag: 'new' });
  const documents = [first, second].map((child) => scene.repository.manifests.get(child.digest));
  scene.repository.manifests.delete(first.digest);
  scene.repository.manifests.delete(second.digest);
  await expectKept(scene, await scene.sync(), { code: 'CHILD_MISSING', says: ['404', index.digest] });
  const { harness, ids } = scene;
  const [document] = documents;
  if (document !== undefined) scene.repository.manifests.set(first.digest, document);
  const sparse = await scene.sync();
  expect(sparse.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(sparse.warnings.join()).toContain(`does not have the manifest ${second.digest} (404)`);
  const content = await harness.content(ids.repositoryId, 2, 'manifest');
  expect(content).toEqual(expect.arrayContaining([index.digest, first.digest]));
  expect(content).not.toContain(second.digest);
  // it is asked for again
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  if (documents[1] !== undefined) scene.repository.manifests.set(second.digest, documents[1]);
  const whole = await scene.sync();
  expect([whole.task.createdVersion, whole.warnings]).toEqual([3, []]);
  expect(await harness.content(ids.repositoryId, 3, 'manifest')).toContain(second.digest);
});

test.concurrent('fault 46: more children than are accepted', async () => {
  const big = await openStage();
  try {
    const scene = await big.openSynced();
    const child = addImage(scene.repository, { seed: `${scene.seed}-child`, layers: [200] });
    const manifests = Array.from({ length: 10_001 }, () => child);
    addIndex(scene.repository, { manifests, tag: 'new' });
    await expectKept(scene, await scene.sync(), { code: 'INDEX_TOO_LARGE', says: ['10001', '10000'] });
  } finally {
    await big.close();
  }
});

test.concurrent('fault 46: a child of an unknown type is copied as it is, and nothing below it', async () => {
  const scene = await stage.openSynced();
  const raw = Buffer.from('any bytes at all \u0000 not JSON');
  const child = addManifest(scene.repository, raw, 'application/vnd.example.strange.v7');
  addIndex(scene.repository, { manifests: [child], tag: 'new' });
  expect((await scene.sync()).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: 2,
    errorMessage: null,
  });
  const rows = await stage.harness.database.em
    .fork()
    .execute<{ raw: Buffer; media_type: string }[]>('select raw, media_type from manifest where digest = ?', [
      child.digest,
    ]);
  expect(rows).toEqual([{ raw, media_type: 'application/vnd.example.strange.v7' }]);
});

test.concurrent('fault 47: unknown artifacts, configs and layers are stored byte for byte', async () => {
  const scene = await stage.openSynced();
  const { repository, seed } = scene;
  const documents = [
    ['application/vnd.cncf.helm.config.v1+json', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'],
    ['application/vnd.wasm.config.v0+json', 'application/wasm'],
    [mediaTypes.ociConfig, `${mediaTypes.ociLayerZstd}+encrypted`],
  ].map(([configType = '', layerType = ''], at) => {
    const config = addBlob(repository, Buffer.from(`not JSON ${seed} ${at}`), configType);
    const layer = addBlob(repository, Buffer.from(`layer ${seed} ${at}`), layerType);
    // spaces, an unknown key, no final newline: a document written again would differ
    const raw = Buffer.from(
      `{ "unknown" : [1.50, null],\n"schemaVersion":2, "mediaType": "${mediaTypes.ociManifest}",` +
        ` "artifactType":"application/x-${at}", "config":${JSON.stringify(config)},"layers":[${JSON.stringify(layer)}] }`,
    );
    return addManifest(repository, raw, mediaTypes.ociManifest, `artifact-${at}`);
  });
  expect((await scene.sync()).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: 2,
    errorMessage: null,
  });
  const versions = await readVersions(stage.harness, scene.ids.repositoryId);
  for (const [at, { digest: expected }] of documents.entries())
    expect(versions[1]?.tags[`artifact-${at}`]).toBe(expected);
});
