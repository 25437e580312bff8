import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import type { Remote, RemotePolicy } from '../../src/db/schema/remotes.ts';
import {
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { pull } from '../support/api/pull.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import type { Scene } from '../support/sync/stage.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { testSecret } from '../support/test-secret.ts';

/* Where content is had from: any place that has bytes of the right digest will do. */

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

let made = 0;
const unique = (text: string) => Buffer.from(`${text} ${process.pid} ${(made += 1)}`);

interface ImageParts {
  readonly config?: object;
  readonly layers: readonly object[];
}

function addParts(repository: SampleRepository, { config, layers }: ImageParts): Descriptor {
  const ownConfig =
    config ?? addBlob(repository, unique('{"os":"linux","architecture":"amd64"}'), mediaTypes.ociConfig);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: ownConfig, layers };
  return addManifest(repository, document, mediaTypes.ociManifest, 'v1');
}

async function expectSynced(scene: Scene, warnings: readonly unknown[] = []): Promise<void> {
  const outcome = await scene.sync();
  const { task } = outcome;
  expect({ state: task.state, message: task.errorMessage, warnings: outcome.warnings }).toEqual({
    state: 'COMPLETED',
    message: null,
    warnings,
  });
}

async function readBlob(scene: Scene, digest: string): Promise<Buffer | number> {
  const answer = await pull(api.url, { path: `/v2/${scene.name}/blobs/${digest}` });
  return answer.status === 200 ? answer.body : answer.status;
}

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

describe('a layer that the upstream lacks, and whose manifest names addresses', () => {
  let elsewhere: FakeUpstream;
  beforeAll(async () => {
    elsewhere = await openFakeUpstream();
  });
  afterAll(() => elsewhere?.close());

  /** An image of such a layer at an upstream that wants a login. */
  async function openForeign(
    remote: Partial<Remote>,
    addressesOf: (path: string) => readonly string[],
    mediaType: string = mediaTypes.ociForeignLayerGzip,
  ) {
    const repository = createSampleRepository();
    const bytes = unique('windows base');
    const layer = addBlob(repository, bytes, mediaType);
    repository.blobs.delete(layer.digest);
    const path = `/layer-${made}`;
    addParts(repository, { layers: [{ ...layer, urls: addressesOf(path) }] });
    const scene = await stage.open({ repository, remote: { maxRetries: 0, ...remote } });
    const { remoteId } = scene.ids;
    const sealed = (text: string, column: string) =>
      stage.harness.secrets.encrypt(text, `remote:${remoteId}:${column}`);
    const headers = JSON.stringify({ 'x-secret': testSecret('layer-header') });
    await stage.harness.updateRemote(remoteId, {
      username: 'robot',
      passwordSealed: sealed(testSecret('layer-password'), 'password'),
      headersSealed: sealed(headers, 'headers'),
    });
    elsewhere.requests.length = 0;
    const isPullable = async () =>
      (await pull(api.url, { path: `/v2/${scene.name}/manifests/v1` })).status === 200;
    const isAskedFirst = () =>
      scene.upstream.requestsOf(`GET /v2/library/app/blobs/${layer.digest}`).length > 0;
    return { scene, layer, bytes, path, isPullable, isAskedFirst };
  }

  const here = (path: string) => [`${elsewhere.url}${path}`];

  test.each(
    (['IMMEDIATE', 'ON_DEMAND', 'STREAMED'] as const).flatMap((policy) =>
      [mediaTypes.ociForeignLayerGzip, mediaTypes.ociLayerGzip].map((type) => [policy, type] as const),
    ),
  )('fault 48: is had from there where the remote follows them: %s %s', async (policy, type) => {
    const foreign = await openForeign({ policy, followLayerUrls: true }, here, type);
    const { scene, layer, bytes, path } = foreign;
    elsewhere.on(`GET ${path}`, { body: bytes });
    await expectSynced(scene);
    expect(await readBlob(scene, layer.digest)).toEqual(bytes);
    expect(foreign.isAskedFirst()).toBe(true);
    expect(elsewhere.requestsOf(`GET ${path}`).length).toBeGreaterThan(0);
    for (const { headers } of elsewhere.requests) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('x-secret');
    }
    elsewhere.requests.length = 0;
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(elsewhere.requests).toEqual([]);
  });

  test('is had from there at a pull through', async () => {
    const { scene, layer, bytes, path } = await openForeign({ followLayerUrls: true }, here);
    elsewhere.on(`GET ${path}`, { body: bytes });
    await stage.harness
      .em()
      .nativeUpdate(Distribution, { repositoryId: scene.ids.repositoryId }, { pullThrough: true });
    expect((await pull(api.url, { path: `/v2/${scene.name}/manifests/v1` })).status).toBe(200);
    expect(elsewhere.requests).toEqual([]);
    expect(await readBlob(scene, layer.digest)).toEqual(bytes);
  });

  test('fault 48: is left out where the remote does not follow them, and nobody is asked there', async () => {
    const { scene, layer, isPullable } = await openForeign({}, here);
    await expectSynced(scene, [expect.stringContaining(layer.digest)]);
    expect(elsewhere.requests).toEqual([]);
    expect(await isPullable()).toBe(true);
    expect(await readBlob(scene, layer.digest)).toBe(404);
  });

  test('is looked for at the next address where the first does not have it, and on https first', async () => {
    const secure = await openFakeUpstream({ tls: {} });
    const { scene, bytes, path } = await openForeign(
      { followLayerUrls: true, sslValidation: false },
      (name) => [`${elsewhere.url}${name}`, `${secure.url}${name}`, `${elsewhere.url}${name}-more`],
    );
    secure.on(`GET ${path}`, { status: 404 });
    elsewhere.on(`GET ${path}`, { status: 500 });
    elsewhere.on(`GET ${path}-more`, { body: bytes });
    await expectSynced(scene);
    expect(secure.requestsOf(`GET ${path}`)).toHaveLength(1);
    expect(elsewhere.requests.map((request) => request.path)).toEqual([path, `${path}-more`]);
    await secure.close();
  });

  test('that are http is not asked for there by an https remote', async () => {
    const repository = createSampleRepository();
    const layer = addBlob(repository, unique('windows base'), mediaTypes.ociForeignLayerGzip);
    repository.blobs.delete(layer.digest);
    addParts(repository, { layers: [{ ...layer, urls: here('/plain') }] });
    const remote = { followLayerUrls: true, sslValidation: false, maxRetries: 0 };
    const scene = await stage.open({
      repository,
      remote,
      upstream: { tls: {}, fallback: sampleAnswers(repository) },
    });
    elsewhere.requests.length = 0;
    await expectSynced(scene, [expect.stringMatching(/unencrypted http/)]);
    expect(elsewhere.requests).toEqual([]);
  });

  test.each<readonly [string, (bytes: Buffer) => Answer, RegExp]>([
    ['is not there', () => ({ status: 404 }), /addresses in its manifest either: .*404/],
    ['is forbidden', () => ({ status: 403 }), /addresses in its manifest either: .*403/],
    ['fails', () => ({ status: 503 }), /addresses in its manifest either: .*503/],
    ['is throttled', () => ({ status: 429 }), /addresses in its manifest either: .*429/],
    ['is of another size', (bytes) => ({ body: Buffer.concat([bytes, bytes]) }), /announces/],
    ['is of another digest', (bytes) => ({ body: Buffer.alloc(bytes.length, 1) }), /sha256/],
    [
      'breaks off',
      (bytes) => (_request, response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 3), () => response.destroy());
      },
      /left out/,
    ],
    [
      'is redirected to a metadata address',
      () => ({ status: 302, headers: { location: 'http://169.254.169.254/layer' } }),
      /169\.254\.169\.254/,
    ],
  ])('fault 48: is left out with a warning where it %s', async (_what, answerOf, says) => {
    const foreign = await openForeign({ followLayerUrls: true }, here);
    elsewhere.on(`GET ${foreign.path}`, answerOf(foreign.bytes));
    await expectSynced(foreign.scene, [expect.stringMatching(says)]);
    expect(await foreign.isPullable()).toBe(true);
    expect(await readBlob(foreign.scene, foreign.layer.digest)).toBe(404);
  });

  test.each([
    'ftp://127.0.0.1/layer',
    'http://robot:secret@127.0.0.1/layer',
    'http://169.254.169.254/layer',
    'http://[fd00:ec2::254]/layer',
    'layer',
  ])('fault 48: is not asked for at %s', async (address) => {
    const { scene, isPullable } = await openForeign({ followLayerUrls: true }, () => [address]);
    await expectSynced(scene, [expect.stringMatching(/addresses in its manifest either: /)]);
    expect(await isPullable()).toBe(true);
  });
});
