import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RemotePolicy } from '../../../src/db/schema/remotes.ts';
import {
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../../support/api/pull.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { addParts, expectSynced, unique, made, contentSteps } from '../../support/sync/content-parts.ts';

/* Where content is had from: any place that has bytes of the right digest will do. */

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

/** BuildKit's registry cache: an index of layers and a config. */
function addCache(repository: SampleRepository): Descriptor[] {
  const layers = ['one', 'two'].map((text) =>
    addBlob(repository, gzipSync(unique(text)), mediaTypes.ociLayerGzip),
  );
  const config = addBlob(
    repository,
    unique('{"layers":[],"records":[]}'),
    'application/vnd.buildkit.cacheconfig.v0',
  );
  const entries = [...layers, config];
  addIndex(repository, { manifests: entries, tag: 'cache' });
  return entries;
}

const { readBlob } = contentSteps(() => ({ stage, api }));

test.each(['IMMEDIATE', 'ON_DEMAND', 'STREAMED'] as RemotePolicy[])(
  'an index of blobs is mirrored with its blobs, and collected with them: %s',
  async (policy) => {
    const repository = createSampleRepository();
    addImage(repository, { seed: `cache-${policy}`, layers: [500], tag: 'app' });
    const entries = addCache(repository);
    const scene = await stage.open({ repository, remote: { policy } });
    await expectSynced(scene);
    for (const { digest } of entries)
      expect(await readBlob(scene, digest)).toEqual(repository.blobs.get(digest));
    expect((await pull(api.url, { path: `/v2/${scene.name}/manifests/app` })).status).toBe(200);
    const before = await stage.harness.content(scene.ids.repositoryId, 1, 'blob');
    expect(before).toEqual([...repository.blobs.keys()].sort());
    repository.tags.delete('cache');
    await scene.sync({ mirror: true, confirmRemoval: true });
    const after = await stage.harness.content(scene.ids.repositoryId, 2, 'blob');
    expect(after).toEqual(before.filter((digest) => entries.every((entry) => entry.digest !== digest)));
  },
);

test('a push of an index of blobs is accepted only after its blobs are stored', async () => {
  const repository = createSampleRepository();
  const entries = addCache(repository);
  const name = 'pushed/cache';
  const document = [...repository.manifests.values()][0]?.bytes ?? Buffer.alloc(0);
  const put = () =>
    pull(api.url, {
      method: 'PUT',
      path: `/v2/${name}/manifests/cache`,
      headers: { 'content-type': mediaTypes.ociIndex, 'content-length': String(document.length) },
      body: document,
    });
  for (const { digest } of entries) {
    expect((await put()).status).toBe(404);
    const body = repository.blobs.get(digest) ?? Buffer.alloc(0);
    const path = `/v2/${name}/blobs/uploads/?digest=${digest}`;
    await pull(api.url, { method: 'POST', path, headers: { 'content-length': String(body.length) }, body });
  }
  expect((await put()).status).toBe(201);
});

test('an index entry is fetched from the blob or manifest address, whichever has it', async () => {
  const repository = createSampleRepository();
  const child = addImage(repository, { seed: 'at-blobs', layers: [300] });
  const childBytes = repository.manifests.get(child.digest)?.bytes ?? Buffer.alloc(0);
  repository.manifests.delete(child.digest);
  repository.blobs.set(child.digest, childBytes);
  const config = unique('{"at":"manifests"}');
  const entry = addManifest(repository, config, mediaTypes.dockerConfig);
  addIndex(repository, { manifests: [child, entry], tag: 'v1' });
  const scene = await stage.open({ repository });
  await expectSynced(scene);
  expect((await pull(api.url, { path: `/v2/${scene.name}/manifests/${child.digest}` })).body).toEqual(
    childBytes,
  );
  expect(await readBlob(scene, entry.digest)).toEqual(config);
});

test('an index entry of an unknown media type is an opaque manifest', async () => {
  const repository = createSampleRepository();
  const bytes = unique('{"any":"thing"}');
  const entry = addManifest(repository, bytes, 'application/vnd.acme.manifest+json');
  addIndex(repository, { manifests: [entry], tag: 'v1' });
  const scene = await stage.open({ repository });
  await expectSynced(scene);
  const answer = await pull(api.url, { path: `/v2/${scene.name}/manifests/${entry.digest}` });
  expect(answer.headers['content-type']).toBe('application/vnd.acme.manifest+json');
  expect(answer.body).toEqual(bytes);
});

const withData = (bytes: Buffer, data = bytes) => ({
  mediaType: mediaTypes.ociEmpty,
  digest: digestBytes(bytes),
  size: bytes.length,
  data: data.toString('base64'),
});

test.each([
  ['a config that the upstream lost', () => unique('{"inline":1}')],
  ['the empty descriptor', () => Buffer.from('{}')],
  ['a blob of no bytes', () => Buffer.alloc(0)],
])('data of a descriptor is the content, where it has its digest: %s', async (_name, bytesOf) => {
  const bytes = bytesOf();
  for (const policy of ['IMMEDIATE', 'ON_DEMAND'] as const) {
    const repository = createSampleRepository();
    const layer = addBlob(repository, unique('layer'), 'application/vnd.cncf.helm.chart.content.v1.tar+gzip');
    addParts(repository, { config: withData(bytes), layers: [layer, withData(bytes)] });
    const scene = await stage.open({ repository, remote: { policy } });
    await expectSynced(scene);
    expect(await readBlob(scene, digestBytes(bytes))).toEqual(bytes);
  }
});

test('data that has another digest or size is ignored, and the blob fetched', async () => {
  const repository = createSampleRepository();
  const [one, two] = [unique('right'), unique('right too')];
  for (const bytes of [one, two]) addBlob(repository, bytes, mediaTypes.ociLayer);
  addParts(repository, { layers: [withData(one, two), withData(two, Buffer.from('short'))] });
  const scene = await stage.open({ repository });
  await expectSynced(scene);
  expect(await readBlob(scene, digestBytes(one))).toEqual(one);
  expect(await readBlob(scene, digestBytes(two))).toEqual(two);
});

test.each(['gzip', 'x-gzip'])(
  'a blob that is stored gzipped and labelled so is taken as it is sent: %s',
  async (label) => {
    const repository = createSampleRepository();
    const layers = [200, 200_000].map((size) =>
      addBlob(
        repository,
        gzipSync(Buffer.concat([unique(label), Buffer.alloc(size, made)]), { level: 0 }),
        mediaTypes.ociLayerGzip,
      ),
    );
    const coded = addBlob(
      repository,
      Buffer.concat([unique(`coded ${label}`), Buffer.alloc(90_000, 7)]),
      mediaTypes.ociLayer,
    );
    addParts(repository, { layers: [...layers, coded] });
    const scene = await stage.open({ repository });
    const headers = { 'content-type': 'application/octet-stream', 'content-encoding': label };
    for (const { digest } of layers)
      scene.upstream.on(`GET /v2/library/app/blobs/${digest}`, {
        headers,
        body: repository.blobs.get(digest) ?? '',
      });
    // of the other kind: something between has coded it
    const between = gzipSync(repository.blobs.get(coded.digest) ?? '');
    scene.upstream.on(`GET /v2/library/app/blobs/${coded.digest}`, { headers, body: between });
    await expectSynced(scene);
    for (const { digest } of [...layers, coded]) {
      const read = await readBlob(scene, digest);
      expect(typeof read === 'number' ? read : digestBytes(read)).toBe(digest);
    }
  },
);

test('a blob that is stored gzipped is taken as it is sent where no length is announced', async () => {
  const repository = createSampleRepository();
  const layer = addBlob(repository, gzipSync(unique('no length')), mediaTypes.ociLayerGzip);
  addParts(repository, { layers: [layer] });
  const scene = await stage.open({ repository });
  scene.upstream.on(`GET /v2/library/app/blobs/${layer.digest}`, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(repository.blobs.get(layer.digest));
  });
  await expectSynced(scene);
  expect(await readBlob(scene, layer.digest)).toEqual(repository.blobs.get(layer.digest));
});

const foreignTypes = [
  [mediaTypes.dockerForeignLayerGzip, undefined],
  [mediaTypes.ociForeignLayerGzip, undefined],
  [mediaTypes.dockerForeignLayerGzip, ['https://example.com/layer']],
  [mediaTypes.ociLayerGzip, ['https://example.com/layer']],
] as const;

test.each(foreignTypes)(
  'a layer that a registry need not have is kept where the upstream has it: %s %s',
  async (mediaType, urls) => {
    for (const policy of ['IMMEDIATE', 'ON_DEMAND'] as const) {
      const repository = createSampleRepository();
      const layer = addBlob(repository, unique('windows base'), mediaType);
      addParts(repository, { layers: [urls === undefined ? layer : { ...layer, urls }] });
      const scene = await stage.open({ repository, remote: { policy } });
      await expectSynced(scene);
      expect(await readBlob(scene, layer.digest)).toEqual(repository.blobs.get(layer.digest));
      // a second sync changes nothing
      expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    }
  },
);

test('a missing foreign layer is fetched by a later sync, and not taken from another repository', async () => {
  const bytes = unique('windows base');
  const sample = () => {
    const repository = createSampleRepository();
    const layer = addBlob(repository, bytes, mediaTypes.ociForeignLayerGzip);
    addParts(repository, { layers: [layer] });
    return { repository, layer };
  };
  const has = sample();
  await expectSynced(await stage.open({ repository: has.repository }));
  const lacks = sample();
  lacks.repository.blobs.delete(lacks.layer.digest);
  const scene = await stage.open({ repository: lacks.repository });
  await expectSynced(scene, [expect.stringContaining(lacks.layer.digest)]);
  expect(await readBlob(scene, lacks.layer.digest)).toBe(404);
  lacks.repository.blobs.set(lacks.layer.digest, bytes);
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(await readBlob(scene, lacks.layer.digest)).toEqual(bytes);
});
