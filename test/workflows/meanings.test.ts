import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { pull } from '../support/api/pull.ts';
import type { PullAnswer } from '../support/api/pull.ts';
import { readVersions } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import type { Scene } from '../support/sync/stage.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { foreign, genuine, disguised } from '../support/sync/disguises.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

async function expectWhole(
  scene: Scene,
  { repository, child, root }: ReturnType<typeof genuine>,
): Promise<void> {
  const { task, warnings } = await scene.sync();
  expect({ state: task.state, error: task.errorMessage, warnings }).toEqual({
    state: 'COMPLETED',
    error: null,
    warnings: [],
  });
  const [version] = await readVersions(stage.harness, scene.ids.repositoryId);
  expect(version?.blobs).toEqual([...repository.blobs.keys()].sort());
  expect(version?.manifests).toEqual([...new Set([child.digest, root.digest])].sort());
  for (const [reference, { mediaType, digest }] of [
    ['v1', root],
    [root.digest, root],
    [child.digest, child],
  ] as const) {
    const answer = await pull(api.url, { path: `/v2/${scene.name}/manifests/${reference}` });
    expect(answer.headers['content-type']).toBe(mediaType);
    expect(answer.headers['docker-content-digest']).toBe(digest);
  }
}

function put(name: string, reference: string, mediaType: string, body: Buffer): Promise<PullAnswer> {
  const headers = { 'content-type': mediaType, 'content-length': String(body.length) };
  return pull(api.url, { method: 'PUT', path: `/v2/${name}/manifests/${reference}`, headers, body });
}

async function pushBlobs(name: string, repository: SampleRepository): Promise<void> {
  for (const [digest, body] of repository.blobs) {
    const headers = { 'content-length': String(body.length) };
    const path = `/v2/${name}/blobs/uploads/?digest=${digest}`;
    expect((await pull(api.url, { method: 'POST', path, headers, body })).status).toBe(201);
  }
}

test.each(['image', 'index'] as const)('a %s that is pushed as something else is refused', async (kind) => {
  const sample = genuine(kind);
  const bytes = sample.repository.manifests.get(sample.root.digest)?.bytes ?? Buffer.alloc(0);
  const answer = await put(`pushed/${kind}`, 'v1', foreign, bytes);
  expect(answer.status).toBe(400);
  const { errors } = JSON.parse(String(answer.body)) as { errors: { code: string; message: string }[] };
  expect(errors[0]).toMatchObject({ code: 'MANIFEST_INVALID' });
  expect(errors[0]?.message).toContain(foreign);
  expect(errors[0]?.message).toContain(sample.root.mediaType);
  await expectWhole(await stage.open({ repository: sample.repository }), sample);
});

test.each([
  ['an image of a foreign type', 'image', 'root', foreign],
  ['an image of the other family', 'image', 'root', mediaTypes.dockerManifest],
  ['an index of a foreign type', 'index', 'root', foreign],
  ['an index of the other family', 'index', 'root', mediaTypes.dockerManifestList],
  ['a child of a foreign type', 'index', 'child', foreign],
  ['a child of the other family', 'index', 'child', mediaTypes.dockerManifest],
] as const)(
  'an image that was mirrored as %s before is whole and right',
  async (_name, kind, which, mediaType) => {
    const sample = genuine(kind);
    const poisoned = disguised(sample.repository, sample[which], mediaType);
    const poisoner = await stage.open({ repository: poisoned });
    expect((await poisoner.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await expectWhole(await stage.open({ repository: sample.repository }), sample);
  },
);

test('an image that was pushed as one of the other family before is whole and right', async () => {
  const sample = genuine('image');
  const bytes = sample.repository.manifests.get(sample.root.digest)?.bytes ?? Buffer.alloc(0);
  await pushBlobs('pushed/docker', sample.repository);
  expect((await put('pushed/docker', 'v1', mediaTypes.dockerManifest, bytes)).status).toBe(201);
  await expectWhole(await stage.open({ repository: sample.repository }), sample);
  const pushed = await pull(api.url, { path: `/v2/pushed/docker/manifests/${sample.root.digest}` });
  expect(pushed.headers['content-type']).toBe(mediaTypes.dockerManifest);
});

test('a tag moves where its bytes are served as another type', async () => {
  const sample = genuine('image');
  const { repository, root } = sample;
  const scene = await stage.open({ repository });
  await expectWhole(scene, sample);
  repository.manifests.set(root.digest, {
    ...(repository.manifests.get(root.digest) ?? { bytes: Buffer.alloc(0) }),
    digest: root.digest,
    mediaType: mediaTypes.dockerManifest,
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const tag = await pull(api.url, { path: `/v2/${scene.name}/manifests/v1` });
  expect(tag.headers['content-type']).toBe(mediaTypes.dockerManifest);
});

test('a repository may hold the same bytes as two types, and what is asked for is served', async () => {
  const { repository, root } = genuine('image');
  const bytes = repository.manifests.get(root.digest)?.bytes ?? Buffer.alloc(0);
  await pushBlobs('two/types', repository);
  for (const [tag, mediaType] of [
    ['oci', mediaTypes.ociManifest],
    ['docker', mediaTypes.dockerManifest],
  ] as const)
    expect((await put('two/types', tag, mediaType, bytes)).status).toBe(201);
  const typeOf = async (reference: string, accept: string) => {
    const path = `/v2/two/types/manifests/${reference}`;
    return (await pull(api.url, { path, headers: { accept } })).headers['content-type'];
  };
  expect(await typeOf('oci', '*/*')).toBe(mediaTypes.ociManifest);
  expect(await typeOf('docker', '*/*')).toBe(mediaTypes.dockerManifest);
  for (const mediaType of [mediaTypes.ociManifest, mediaTypes.dockerManifest])
    expect(await typeOf(root.digest, mediaType)).toBe(mediaType);
  // an index means one of them, and says which
  const index = (mediaType: string) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [{ ...root, mediaType }],
      }),
    );
  expect(
    (await put('two/types', 'index', mediaTypes.ociIndex, index(mediaTypes.dockerManifest))).status,
  ).toBe(201);
  const wrong = await put('two/types', 'wrong', mediaTypes.ociIndex, index(foreign));
  expect(wrong.status).toBe(404);
  expect(String(wrong.body)).toContain('Push it with the media type of the index first');
  const remove = (reference: string) =>
    pull(api.url, { method: 'DELETE', path: `/v2/two/types/manifests/${reference}` });
  expect((await remove(root.digest)).status).toBe(405);
  expect((await remove('index')).status).toBe(202);
  const tags = await pull(api.url, { path: '/v2/two/types/tags/list' });
  expect(JSON.parse(String(tags.body))).toMatchObject({ tags: ['docker', 'oci'] });
});

test('an index that lists a child under a wrong type is mirrored with what the child says that it is', async () => {
  const repository = createSampleRepository();
  const child = addImage(repository, { seed: 'mislabelled', layers: [300] });
  const index = addIndex(repository, {
    manifests: [{ ...child, mediaType: mediaTypes.dockerManifest }],
    tag: 'v1',
  });
  const scene = await stage.open({ repository });
  await expectWhole(scene, { repository, child, root: index });
  const again = await stage.open({ repository });
  await expectWhole(again, { repository, child, root: index });
});

test('a mirror sync removes a tag and its companions while the same bytes stay under another media type', async () => {
  const { repository, root } = genuine('image');
  const bytes = repository.manifests.get(root.digest)?.bytes ?? Buffer.alloc(0);
  const name = 'two/followers';
  await pushBlobs(name, repository);
  await put(name, 'oci', mediaTypes.ociManifest, bytes);
  await put(name, 'docker', mediaTypes.dockerManifest, bytes);
  const empty = addBlob(createSampleRepository(), Buffer.from('{}'), mediaTypes.ociEmpty);
  await pull(api.url, {
    method: 'POST',
    path: `/v2/${name}/blobs/uploads/?digest=${empty.digest}`,
    headers: { 'content-length': '2' },
    body: '{}',
  });
  const referrer = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: 'application/x',
    config: empty,
    layers: [],
    subject: root,
  };
  const document = Buffer.from(JSON.stringify(referrer));
  const { digest } = addManifest(createSampleRepository(), document, mediaTypes.ociManifest);
  expect((await put(name, digest, mediaTypes.ociManifest, document)).status).toBe(201);
  const signed = await api.data(
    `mutation($id: ID!) { repositoryRemoveContent(input: { repositoryId: $id, tags: ["docker"] }) { userErrors { message } } }`,
    { id: await repositoryId(name) },
  );
  expect(signed.repositoryRemoveContent.userErrors).toEqual([]);
  const referrers = await pull(api.url, { path: `/v2/${name}/referrers/${root.digest}` });
  expect(JSON.parse(String(referrers.body))).toMatchObject({ manifests: [{ digest }] });
  expect(
    (await pull(api.url, { path: `/v2/${name}/manifests/${root.digest}` })).headers['content-type'],
  ).toBe(mediaTypes.ociManifest);
});

async function repositoryId(name: string): Promise<string> {
  const { repository } = await api.data(`query($name: String!) { repository(name: $name) { id } }`, {
    name,
  });
  return repository.id as string;
}
