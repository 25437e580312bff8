import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import { addBlob, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../../support/api/pull.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { testSecret } from '../../support/test-secret.ts';
import { addParts, expectSynced, unique, made, contentSteps } from '../../support/sync/content-parts.ts';

/* Where content is had from: any place that has bytes of the right digest will do. */

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const { readBlob } = contentSteps(() => ({ stage, api }));

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
