import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import { kysely } from '../../src/db/sql.ts';
import {
  addImage,
  blobBytes,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const noDigest = `sha256:${'0'.repeat(64)}` as Digest;
const listRoute = `GET /v2/${upstreamName}/tags/list`;
const completed = (createdVersion: number | null) => ({
  state: 'COMPLETED',
  createdVersion,
  errorMessage: null,
});

async function tagNames(scene: Scene, version: number): Promise<string[]> {
  return [...(await stage.harness.tags(scene.ids.repositoryId, version)).keys()];
}

/** One small image a tag. */
function imagesOf(seed: string, tags: readonly string[]): SampleRepository {
  const repository = createSampleRepository();
  for (const tag of tags) addImage(repository, { seed: `${seed}-${tag}`, layers: [200], tag });
  return repository;
}

test.concurrent('an additive sync removes nothing; a mirror sync removes what upstream no longer has', async () => {
  const scene = await stage.openSynced();
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [300], tag: 'new' });
  removeTag(scene.repository, 'multi');
  const additive = await scene.sync();
  expect(additive.task).toMatchObject(completed(2));
  expect(await tagNames(scene, 2)).toEqual(['good', 'multi', 'new']);
  expect(additive.summary).toMatchObject({
    added: { tags: 1, manifests: 1 },
    removed: { tags: 0, manifests: 0, blobs: 0 },
  });
  const mirror = await scene.sync({ mirror: true });
  expect(mirror.task).toMatchObject(completed(3));
  expect(await tagNames(scene, 3)).toEqual(['good', 'new']);
  // the index and its two images, each with a config and a layer
  expect(mirror.summary).toMatchObject({ added: { tags: 0 }, removed: { tags: 1, manifests: 3, blobs: 4 } });
  expect((await readVersions(stage.harness, scene.ids.repositoryId))[0]).toEqual(scene.before[0]);
});

test.concurrent('a mirror sync with filters removes inside the filtered subset only', async () => {
  const scene = await stage.openSynced({
    repository: imagesOf('subset', ['v1', 'v2', 'dev1', 'dev2', 'v-rc']),
  });
  for (const tag of ['v1', 'dev1', 'v-rc']) removeTag(scene.repository, tag);
  await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: ['v*'], excludeTags: ['*-rc'] });
  const outcome = await scene.sync({ mirror: true });
  expect(outcome.task).toMatchObject(completed(2));
  expect(await tagNames(scene, 2)).toEqual(['dev1', 'dev2', 'v-rc', 'v2']);
  expect(outcome.summary?.removed).toMatchObject({ tags: 1, manifests: 1, blobs: 2 });
});

test.concurrent('an additive sync keeps the old target of a moved tag untagged; a mirror sync removes it inside its subset', async () => {
  const scene = await stage.openSynced();
  const { repositoryId, remoteId } = scene.ids;
  const old = scene.repository.tags.get('good');
  addImage(scene.repository, { seed: `${scene.seed}-moved`, layers: [300], tag: 'good' });
  const additive = await scene.sync();
  expect(additive.task).toMatchObject(completed(2));
  expect(additive.summary).toMatchObject({
    added: { tags: 1, manifests: 1 },
    removed: { tags: 1, manifests: 0, blobs: 0 },
  });
  expect(await stage.harness.content(repositoryId, 2, 'manifest')).toContain(old);
  await stage.harness.updateRemote(remoteId, { includeTags: ['multi'] });
  expect((await scene.sync({ mirror: true })).task).toMatchObject(completed(null));
  await stage.harness.updateRemote(remoteId, { includeTags: null, updatedAt: new Date() });
  const mirror = await scene.sync({ mirror: true });
  expect(mirror.task).toMatchObject(completed(3));
  expect(mirror.summary).toMatchObject({ added: { tags: 0 }, removed: { tags: 0, manifests: 1, blobs: 3 } });
  expect(await stage.harness.content(repositoryId, 3, 'manifest')).not.toContain(old);
  expect((await readVersions(stage.harness, repositoryId))[0]).toEqual(scene.before[0]);
});

test.concurrent('digests in includeTags are kept as untagged manifests, and go with a mirror sync once they are gone', async () => {
  const repository = imagesOf('digests', ['one', 'two']);
  const digest = repository.tags.get('one') ?? '';
  const scene = await stage.open({
    repository,
    remote: { includeTags: [digest, `sha256:${'7'.repeat(64)}`] },
  });
  const first = await scene.sync();
  expect(first.task).toMatchObject(completed(1));
  expect(first.summary?.present).toMatchObject({ tags: 0, manifests: 1, blobs: 2 });
  expect(first.warnings).toEqual([expect.stringMatching(/7{64}.*404/)]);
  expect(scene.upstream.requestsOf(listRoute)).toEqual([]);
  expect((await scene.sync()).task).toMatchObject(completed(null));
  await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: null });
  const mirror = await scene.sync({ mirror: true });
  expect(mirror.task).toMatchObject(completed(2));
  expect(await tagNames(scene, 2)).toEqual(['one', 'two']);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('a digest in excludeTags is outside the subset that a mirror sync clears', async () => {
  const repository = imagesOf('excluded-digest', ['one', 'two', 'three']);
  const digests = ['one', 'two'].map((tag) => repository.tags.get(tag) ?? '');
  const scene = await stage.open({ repository, remote: { includeTags: digests } });
  expect((await scene.sync()).task).toMatchObject(completed(1));
  for (const tag of ['one', 'two']) removeTag(repository, tag);
  const remote = { includeTags: null, excludeTags: digests.slice(0, 1), updatedAt: new Date() };
  await stage.harness.updateRemote(scene.ids.remoteId, remote);
  expect((await scene.sync({ mirror: true })).task).toMatchObject(completed(2));
  const manifests = [digests[0] ?? '', repository.tags.get('three') ?? ''].sort((a, b) => (a < b ? -1 : 1));
  expect(await stage.harness.content(scene.ids.repositoryId, 2, 'manifest')).toEqual(manifests);
});

test.concurrent('names without a wildcard are fetched without listing, excludeTags is applied to them too', async () => {
  const repository = imagesOf('exact', ['a', 'b', 'c']);
  const scene = await stage.open({ repository, remote: { includeTags: ['a', 'b'], excludeTags: ['b'] } });
  expect((await scene.sync()).task).toMatchObject({ ...completed(1), tagsTotal: 1 });
  expect(await tagNames(scene, 1)).toEqual(['a']);
  expect(scene.upstream.requestsOf(listRoute)).toEqual([]);
  expect(scene.upstream.requests.filter(({ path }) => /\/manifests\/[bc]$/.test(path))).toEqual([]);
});

test.concurrent('a pattern that matches nothing is a warning that names close tags', async () => {
  const repository = imagesOf('close', ['v1.0', 'v1.1', 'latest']);
  const scene = await stage.open({ repository, remote: { includeTags: ['1.*', 'latest'] } });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject(completed(1));
  expect(await tagNames(scene, 1)).toEqual(['latest']);
  expect(outcome.warnings).toEqual([
    expect.stringMatching(/"1\.\*".*none of the upstream's 3 tags.*v1\.0, v1\.1/),
  ]);
});

test.concurrent('an exclusion that leaves nothing is a warning, and no version', async () => {
  const scene = await stage.openSynced();
  const outcome = await scene.sync({ overrides: { excludeTags: ['*'] } });
  expect(outcome.task).toMatchObject({ ...completed(null), tagsTotal: 0 });
  expect(outcome.warnings).toEqual([expect.stringMatching(/No tag of the upstream passes the filters/)]);
});

test.concurrent('a sync of nothing new makes no version, asks only HEAD of known tags, and counts what it reused', async () => {
  const scene = await stage.openSynced();
  const outcome = await scene.sync({ mirror: true });
  expect(outcome.task).toMatchObject(completed(null));
  const requests = scene.upstream.requests.map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`);
  // whether there are signatures costs a request for each manifest, and one more
  expect([...new Set(requests.map((request) => request.replace(/sha256:.*/, '…')))].sort()).toEqual([
    'GET /v2/',
    `GET /v2/${upstreamName}/referrers/…`,
    `GET /v2/${upstreamName}/tags/list`,
    `HEAD /v2/${upstreamName}/manifests/good`,
    `HEAD /v2/${upstreamName}/manifests/multi`,
  ]);
  const { task, counts } = outcome;
  expect(counts).toMatchObject({
    tagsDone: 2,
    manifestsDone: 4,
    blobsDone: task.blobsTotal,
    blobsReused: task.blobsTotal,
    bytesDone: task.bytesTotal,
    bytesReused: task.bytesTotal,
  });
});

test.concurrent('a dry run fetches no blob, commits nothing, and answers what a sync would do', async () => {
  const scene = await stage.open({ repository: imagesOf('dry', ['a', 'b', 'c']) });
  const { repositoryId } = scene.ids;
  const isMirrored = async () =>
    (await stage.harness.em().findOneOrFail(Repository, { id: repositoryId })).isMirrored;
  const first = await scene.sync({ dryRun: true });
  expect(first.task).toMatchObject(completed(null));
  expect(first.latest).toBe(0);
  expect(await isMirrored()).toBe(false);
  expect(await planOf(first.task.id)).toEqual({
    counts: { added: 3, moved: 0, removed: 0, blobs: 6, bytes: blobBytes(scene.repository) },
    tags: ['a', 'b', 'c'].map((name) => [name, 'ADDED', null, scene.repository.tags.get(name)]),
  });
  expect(scene.upstream.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);

  expect((await scene.sync()).task).toMatchObject(completed(1));
  expect(await isMirrored()).toBe(true);
  const before = new Map(scene.repository.tags);
  addImage(scene.repository, { seed: 'dry-moved', layers: [200], tag: 'a' });
  removeTag(scene.repository, 'b');
  moveTag(scene.repository, 'd', { digest: before.get('c') ?? noDigest });
  const second = await scene.sync({ dryRun: true, mirror: true });
  expect(second.latest).toBe(1);
  expect((await planOf(second.task.id)).tags).toEqual([
    ['a', 'MOVED', before.get('a'), scene.repository.tags.get('a')],
    ['b', 'REMOVED', before.get('b'), null],
    ['d', 'ADDED', null, before.get('c')],
  ]);
  expect((await planOf(second.task.id)).counts).toMatchObject({ added: 1, moved: 1, removed: 1, blobs: 2 });
  const additive = await scene.sync({ dryRun: true });
  expect((await planOf(additive.task.id)).counts).toMatchObject({ added: 1, moved: 1, removed: 0, blobs: 2 });
});

async function planOf(taskId: number) {
  const db = kysely(stage.harness.em());
  const counts = await sql`
    select tags_added as added, tags_moved as moved, tags_removed as removed, blobs_to_fetch as blobs, bytes_to_fetch as bytes
    from task_plan where task_id = ${taskId}`.execute(db);
  const tags = await sql<{ name: string; change: string; before: string | null; after: string | null }>`
    select name, outcome as change, old_digest as before, new_digest as after from task_tag where task_id = ${taskId}
    order by name`.execute(db);
  return {
    counts: counts.rows[0],
    tags: tags.rows.map(({ name, change, before, after }) => [name, change, before, after]),
  };
}
