/** Remotes that take some platforms, and upstreams that lack some (docs/selection.md, "Platforms"). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addArtifact,
  addImage,
  addIndex,
  createSampleRepository,
  moveTag,
} from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { Scene } from '../../support/sync/stage.ts';
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

async function outcomesOf(taskId: number): Promise<Record<string, string>> {
  const rows = await stage.harness
    .em()
    .getConnection()
    .execute<{ name: string; outcome: string }[]>(
      `select name, outcome from task_tag where task_id = ${taskId}`,
    );
  return Object.fromEntries(rows.map(({ name, outcome }) => [name, outcome]));
}

function image(repository: SampleRepository, seed: string, architecture: string, tag?: string) {
  return addImage(repository, {
    seed: `platforms-${process.pid}-${seed}-${architecture}`,
    layers: [500],
    platform: { os: 'linux', architecture },
    ...(tag === undefined ? {} : { tag }),
  });
}

const { pull, rootsOf } = platformSteps(() => ({ stage, api }));

test('single images and indexes of other platforms are left out; nested indexes keep what is taken', async () => {
  const { harness } = stage;
  const repository = createSampleRepository();
  const amd64 = image(repository, 'single', 'amd64', 'amd');
  const arm64 = image(repository, 'single', 'arm64', 'arm');
  const nested = [
    addIndex(repository, { manifests: [amd64, arm64] }),
    addIndex(repository, { manifests: [arm64] }),
  ];
  addIndex(repository, { manifests: nested, tag: 'nested' });
  addIndex(repository, { manifests: [addIndex(repository, { manifests: [arm64] })], tag: 'none' });
  addArtifact(repository, { seed: 'platforms-chart', artifactType: 'application/vnd.chart', tag: 'chart' });
  const remote = { includeTags: ['*', arm64.digest], tagRules: { platforms: ['linux/amd64'] } };
  const scene = await stage.open({ repository, remote });
  const { task, warnings } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  const { repositoryId } = scene.ids;
  expect([...(await harness.tags(repositoryId, 1)).keys()]).toEqual(['amd', 'chart', 'nested']);
  expect(await harness.content(repositoryId, 1, 'manifest')).not.toContain(arm64.digest);
  expect(await harness.content(repositoryId, 1, 'manifest')).toContain(amd64.digest);
  const takes = 'and the remote takes only linux/amd64.';
  expect(warnings).toEqual(
    expect.arrayContaining([
      `The tag arm was left out: it is an image for linux/arm64, ${takes}`,
      `The tag none was left out: it is an index without an image for these platforms, ${takes}`,
      `The manifest ${arm64.digest} was left out: it is an image for linux/arm64, ${takes}`,
    ]),
  );
  expect(await outcomesOf(task.id)).toEqual({
    [arm64.digest]: 'NO_PLATFORM',
    amd: 'ADDED',
    arm: 'NO_PLATFORM',
    chart: 'ADDED',
    nested: 'ADDED',
    none: 'NO_PLATFORM',
  });
  // its config is read once
  const { config } = JSON.parse(String(repository.manifests.get(arm64.digest)?.bytes)) as {
    config: { digest: string };
  };
  const route = `GET /v2/library/app/blobs/${config.digest}`;
  expect(scene.upstream.requestsOf(route).length).toBeGreaterThan(0);
  scene.upstream.requests.length = 0;
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(scene.upstream.requestsOf(route)).toEqual([]);
  // a tag that moves to another platform stays where it is, also in a mirror, until it is pruned
  moveTag(repository, 'amd', arm64);
  for (const mirror of [false, true])
    expect((await scene.sync({ mirror })).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  const pruned = await scene.sync({ mirror: true, pruneFiltered: true });
  expect(pruned.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect([...(await harness.tags(repositoryId, 2)).keys()]).toEqual(['chart', 'nested']);
  expect(await outcomesOf(pruned.task.id)).toMatchObject({ amd: 'NO_PLATFORM' });
  // a requested digest that is there stays, too
  await harness.updateRemote(scene.ids.remoteId, { tagRules: {} });
  await scene.sync({ mirror: true });
  await harness.updateRemote(scene.ids.remoteId, remote);
  const mirrored = await scene.sync({ mirror: true });
  expect(mirrored.warnings.join()).not.toContain('still serves');
  expect(await rootsOf(repositoryId)).toEqual([arm64.digest]);
  const alone = await stage.open({ repository, remote: { ...remote, includeTags: ['arm'] } });
  expect((await alone.sync()).task).toMatchObject({ state: 'FAILED', errorCode: 'NOTHING_SELECTED' });
});

test('a second Tidemark mirrors the first; layers on demand come for its platform only', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const first = await stage.open({ repository, remote: only('linux/amd64') });
  await first.sync();
  const ids = await harness.createRepository({ url: api.url, upstreamName: first.name, policy: 'ON_DEMAND' });
  const second: Scene = { ...first, ids, name: ids.name, sync: (wish) => harness.sync(ids, wish) };
  const { task, warnings } = await second.sync({ mirror: true });
  expect([task.state, task.errorMessage]).toEqual(['COMPLETED', null]);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^The upstream does not have the manifest sha256:.* Each sync asks for it again\. The same holds for 1 more: /,
    ),
  ]);
  expect(await names(second, digests)).toEqual(amd64Names);
  expect(await pull(ids.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  const absent = await pull(ids.name, digests.arm64);
  expect([absent.status, absent.text]).toEqual([
    404,
    expect.stringContaining('It is absent upstream: the index'),
  ]);
  const sources = `select from repository_source s join manifest_blob e on e.blob_id = s.blob_id
    join manifest m on m.id = e.manifest_id where s.repository_id = ${ids.repositoryId} and m.digest = `;
  const db = harness.em().getConnection();
  expect(await db.execute(`${sources}'${digests.amd64}'`)).toHaveLength(2);
  expect((await db.execute<unknown[]>(`${sources}'${digests.arm64}'`)).length).toBe(0);
  expect((await second.sync({ mirror: true })).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: null,
  });
  // the first gets the other platform, and so does the second
  await harness.updateRemote(first.ids.remoteId, { tagRules: {} });
  await first.sync();
  expect((await second.sync({ mirror: true })).task).toMatchObject({ createdVersion: 2 });
  expect(await names(second, digests)).toEqual(allNames);
});

test('copies lack what their source lacks, get what another source has, and take pushes of the same index', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const sparse = await stage.open({ repository, remote: only('linux/amd64') });
  await sparse.sync();
  const whole = await stage.openSynced({ repository });
  const { repositoryCreate } = await api.data(
    `mutation ($name: String!) { repositoryCreate(input: { name: $name }) { repository { id name } } }`,
    { name: `copies/${sparse.ids.repositoryId}` },
  );
  const { id, name } = repositoryCreate.repository;
  const copy = async (source: Scene, change: object = {}): Promise<void> => {
    const { repository: from } = await api.data(
      `query ($name: String!) { repository(name: $name) { latestVersion { id } } }`,
      { name: source.name },
    );
    const { repositoryCopyContent } = await api.data(
      `mutation ($input: RepositoryCopyContentInput!) { repositoryCopyContent(input: $input) { userErrors { message } } }`,
      { input: { repositoryId: id, sourceVersionId: from.latestVersion.id, ...change } },
    );
    expect(repositoryCopyContent.userErrors).toEqual([]);
  };
  const counts = async () =>
    (
      await api.data(
        `query ($name: String!) { repository(name: $name) { latestVersion { number contentSummary { present { manifests blobs } }
          tag(name: "multi") { manifest { presentChildren absentChildren totalSizeBytes } } } } }`,
        { name },
      )
    ).repository.latestVersion;
  await copy(sparse, { tags: ['multi'] });
  const first = await counts();
  expect(first.tag.manifest).toMatchObject({ presentChildren: 3, absentChildren: 2 });
  expect(first.contentSummary.present.manifests).toBe(4);
  expect((await pull(name, digests.arm64)).text).toContain('It is absent by rule: the index');
  const push = (reference: string, digest: string) =>
    fetch(`${api.url}/v2/${name}/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': repository.manifests.get(digest as never)?.mediaType ?? '' },
      body: new Uint8Array(repository.manifests.get(digest as never)?.bytes ?? []),
    });
  expect((await push('again', digests.index)).status).toBe(201);
  // another index of an absent image is refused
  const other = addIndex(repository, { manifests: [{ ...describe(repository, digests.arm64) }] });
  const refused = await push('other', other.digest);
  expect([refused.status, await refused.json()]).toMatchObject([
    404,
    { errors: [{ code: 'MANIFEST_BLOB_UNKNOWN' }] },
  ]);
  // the index does not hold what it lacks
  expect((await fetch(`${api.url}/v2/${name}/manifests/${digests.arm64}`, { method: 'DELETE' })).status).toBe(
    404,
  );
  await copy(whole);
  expect((await counts()).tag.manifest).toMatchObject({ presentChildren: 5, absentChildren: 0 });
  const before = (await counts()).number;
  await copy(sparse);
  expect((await counts()).number).toBe(before);
  expect((await harness.upkeep('content.verify')).state).toBe('COMPLETED');
});

function describe(repository: SampleRepository, digest: string): Descriptor {
  const document = repository.manifests.get(digest as Digest);
  if (document === undefined) throw new Error('no such manifest');
  return { mediaType: document.mediaType, digest: document.digest, size: document.bytes.length };
}
