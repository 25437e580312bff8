/** Remotes that take some platforms, and upstreams that lack some (docs/selection.md, "Platforms"). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import {
  multiArch,
  names,
  only,
  amd64Names,
  allNames,
  platformSteps,
} from '../../support/sync/multi-arch.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const { pull } = platformSteps(() => ({ stage, api }));

test('a remote takes one platform: the index keeps its digest, other children are neither fetched nor served', async () => {
  const { repository, digests } = multiArch();
  // another repository has stored them all
  await stage.openSynced({ repository });
  const scene = await stage.open({ repository, remote: only('linux/amd64') });
  const { task, warnings } = await scene.sync();
  expect([task.state, task.errorMessage, warnings]).toEqual(['COMPLETED', null, []]);
  expect(await names(scene, digests)).toEqual(amd64Names);
  expect(scene.upstream.requests.filter(({ path }) => path.includes(digests.arm64))).toEqual([]);
  expect(await pull(scene.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  expect(await pull(scene.name, digests.amd64)).toMatchObject({ status: 200 });
  const absent = await pull(scene.name, digests.arm64);
  expect([absent.status, JSON.parse(absent.text)]).toMatchObject([
    404,
    { errors: [{ code: 'MANIFEST_UNKNOWN' }] },
  ]);
  expect(absent.text).toContain('It is absent by rule: the remote takes only linux/amd64.');
  const layer = JSON.parse(repository.manifests.get(digests.arm64 as never)?.bytes.toString() ?? '{}') as {
    layers: { digest: string }[];
  };
  const blob = await fetch(`${api.url}/v2/${scene.name}/blobs/${layer.layers[0]?.digest}`);
  expect([blob.status, await blob.json()]).toMatchObject([404, { errors: [{ code: 'BLOB_UNKNOWN' }] }]);
  // a second sync changes nothing
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
});

test('the API lists the children of an index with those that are absent', async () => {
  const { repository, digests } = multiArch();
  const scene = await stage.open({ repository, remote: only('linux/arm64/v8') });
  await scene.sync();
  const { repository: read } = await api.data(
    `query ($name: String!) { repository(name: $name) { latestVersion { tag(name: "multi") { manifest {
      presentChildren absentChildren manifests { digest } children { digest mediaType platform isStored absence } } } } } }`,
    { name: scene.name },
  );
  const { manifest } = read.latestVersion.tag;
  expect(manifest).toMatchObject({ presentChildren: 3, absentChildren: 2 });
  expect(manifest.manifests.map(({ digest }: { digest: string }) => digest)).toEqual([
    digests.arm64,
    digests.arm64Attestation,
    digests.chart,
  ]);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  expect(manifest.children).toEqual([
    { digest: digests.amd64, mediaType, platform: 'linux/amd64', isStored: false, absence: 'BY_RULE' },
    { digest: digests.arm64, mediaType, platform: 'linux/arm64', isStored: true, absence: null },
    {
      digest: digests.amd64Attestation,
      mediaType,
      platform: 'unknown/unknown',
      isStored: false,
      absence: 'BY_RULE',
    },
    {
      digest: digests.arm64Attestation,
      mediaType,
      platform: 'unknown/unknown',
      isStored: true,
      absence: null,
    },
    { digest: digests.chart, mediaType, platform: null, isStored: true, absence: null },
  ]);
});

test('a lost manifest is no absent one, and comes back with the next sync', async () => {
  const { repository, digests } = multiArch();
  const scene = await stage.open({ repository, remote: only('linux/amd64') });
  await scene.sync();
  await stage.harness
    .em()
    .getConnection()
    .execute(`update manifest set raw = null where digest = '${digests.amd64}'`);
  const counts = `query ($name: String!) { repository(name: $name) { latestVersion { tag(name: "multi") { manifest {
    presentChildren absentChildren children { isStored absence } } } } } }`;
  const read = async () =>
    (await api.data(counts, { name: scene.name })).repository.latestVersion.tag.manifest;
  expect(await read()).toMatchObject({
    presentChildren: 2,
    absentChildren: 2,
    children: [
      { isStored: false, absence: null },
      { isStored: false, absence: 'BY_RULE' },
      { isStored: true },
      { isStored: false },
      { isStored: true },
    ],
  });
  expect((await pull(scene.name, digests.amd64)).text).toContain('It has been lost on this server');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(await read()).toMatchObject({ presentChildren: 3, absentChildren: 2 });
});

test.each([
  { mirror: false, immutableTags: [] },
  { mirror: true, immutableTags: ['*'] },
])(
  'other platforms take effect at the next sync, for unchanged and immutable tags too: mirror $mirror',
  async ({ mirror, immutableTags }) => {
    const wish = { mirror };
    const taking = (platforms: readonly string[] | null) => ({ tagRules: { immutableTags, platforms } });
    const { harness } = stage;
    const { repository, digests } = multiArch();
    const scene = await stage.open({ repository, remote: taking(['linux/amd64']) });
    await scene.sync(wish);
    await harness.updateRemote(scene.ids.remoteId, taking(null));
    expect((await scene.sync(wish)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(await names(scene, digests)).toEqual(allNames);
    expect((await scene.sync(wish)).task).toMatchObject({ createdVersion: null });
    await harness.updateRemote(scene.ids.remoteId, taking(['linux/arm64']));
    expect((await scene.sync(wish)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
    expect(await names(scene, digests)).toEqual(['arm64', 'arm64Attestation', 'chart', 'index']);
    // by its digest, from the version before
    expect(await pull(scene.name, digests.amd64)).toMatchObject({ status: 200 });
    expect((await scene.sync(wish)).task).toMatchObject({ createdVersion: null });
    // the versions before stay what they were, and a restored one lacks what it lacked
    const { number, id } = (
      await api.data(
        `query ($name: String!) { repository(name: $name) { version(number: 1) { id number } } }`,
        { name: scene.name },
      )
    ).repository.version;
    expect(number).toBe(1);
    await api.data(
      `mutation ($id: ID!) { repositoryRestoreVersion(input: { versionId: $id }) { userErrors { message } } }`,
      { id },
    );
    expect(await names(scene, digests)).toEqual(amd64Names);
    expect(await pull(scene.name, digests.arm64)).toMatchObject({ status: 200 });
  },
);

test('a clean-up removes the content of platforms that no version has any more', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const scene = await stage.openSynced({ repository });
  const before = await harness.storedFiles();
  await harness.updateRemote(scene.ids.remoteId, only('linux/amd64'));
  await scene.sync();
  const arm64 = `select raw is null as gone from manifest where digest = '${digests.arm64}'`;
  const isGone = async () =>
    (await harness.em().getConnection().execute<{ gone: boolean }[]>(arm64))[0]?.gone;
  await harness.upkeep('content.collect');
  // version 1 has it
  expect(await isGone()).toBe(false);
  await harness
    .em()
    .getConnection()
    .execute(`update repository set retain_versions = 1 where id = ${scene.ids.repositoryId}`);
  await harness.upkeep('content.collect');
  expect(await isGone()).toBe(true);
  expect((await harness.storedFiles()).length).toBe(before.length - 3);
  expect((await harness.upkeep('content.verify')).state).toBe('COMPLETED');
  expect(await pull(scene.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  expect((await pull(scene.name, digests.arm64)).text).toContain('absent by rule');
  // and it comes back
  await harness.updateRemote(scene.ids.remoteId, { tagRules: {} });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
  expect(await names(scene, digests)).toEqual(allNames);
  expect(await pull(scene.name, digests.arm64)).toMatchObject({ status: 200 });
});
