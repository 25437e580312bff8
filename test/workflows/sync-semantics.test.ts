import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import { kysely } from '../../src/db/sql.ts';
import { readTaskCounts } from '../../src/db/tasks/tasks.ts';
import type { TaskCounts } from '../../src/db/tasks/tasks.ts';
import {
  addArtifact,
  addImage,
  addIndex,
  addManifest,
  blobBytes,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { openStage, readVersions, upstreamName, verifyBlobs } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';

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

test.concurrent('blobs of another repository are reused and counted', async () => {
  const repository = imagesOf('shared', ['one', 'two']);
  const first = await stage.openSynced({ repository });
  const second = await stage.harness.createRepository({ url: first.upstream.url, upstreamName });
  addImage(repository, { seed: 'shared-three', layers: [200], tag: 'three' });
  const { task, counts, summary } = await stage.harness.sync(second);
  expect(task).toMatchObject({ ...completed(1), blobsTotal: 6 });
  expect(summary?.present).toMatchObject({ tags: 3, manifests: 3, blobs: 6 });
  expect(counts).toMatchObject({ blobsDone: 6, blobsReused: 4, bytesDone: task.bytesTotal });
  const blobs = first.upstream.requests.filter(({ path }) => path.includes('/blobs/'));
  expect(blobs).toHaveLength(2);
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

test.concurrent('blob files that were lost or cut come back with the next sync, which makes no version', async () => {
  const scene = await stage.openSynced();
  const blobs = scene.before[0]?.blobs ?? [];
  const [lost = '', cut = ''] = blobs;
  const fileOf = (digest: string) => join(stage.harness.folder, 'blobs', ...digest.split(':'));
  await rm(fileOf(lost));
  await truncate(fileOf(cut), 1);
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject(completed(null));
  await verifyBlobs(stage.harness, blobs);
  const fetched = scene.upstream.requests.filter(({ path }) => path.includes('/blobs/'));
  expect(new Set(fetched.map(({ path }) => path.split('/').at(-1)))).toEqual(new Set([lost, cut]));
  expect(outcome.counts?.blobsReused).toBe(blobs.length - 2);
});

test.concurrent('counts never go backwards, and end at the totals', async () => {
  const scene = await stage.open();
  const layers = Array.from({ length: 6 }, () => 400_000);
  addImage(scene.repository, { seed: `${scene.seed}-slow`, layers, tag: 'slow' });
  const seen: TaskCounts[] = [];
  const seenBytes = () => new Set(seen.map(({ bytesDone }) => bytesDone)).size;
  for (const [digest, bytes] of scene.repository.blobs)
    scene.upstream.on(`GET /v2/${upstreamName}/blobs/${digest}`, async (request, response) => {
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        'content-length': String(bytes.length),
      });
      // of a layer, looks see two parts before the rest comes
      let sent = 0;
      for (; bytes.length > 200_000 && sent < 200_000; sent += 100_000) {
        response.write(bytes.subarray(sent, sent + 100_000));
        const before = seenBytes();
        await until(() => seenBytes() > before);
      }
      response.end(bytes.subarray(sent));
    });
  const task = await stage.harness.start(scene.ids);
  await until(async () => {
    const counts = (await readTaskCounts(stage.harness.em(), [task.id])).get(task.id);
    if (counts) seen.push(counts);
    return (await stage.harness.read(task.id)).task.finishedAt !== null;
  });
  const outcome = await stage.harness.finish(task);
  expect(outcome.task).toMatchObject(completed(1));
  if (outcome.counts) seen.push(outcome.counts);
  const keys = ['tagsDone', 'manifestsDone', 'blobsDone', 'blobsReused', 'bytesDone', 'bytesReused'] as const;
  for (const key of keys) {
    const values = seen.map((counts) => counts[key]);
    expect(values, key).toEqual([...values].sort((a, b) => a - b));
  }
  expect(seenBytes()).toBeGreaterThan(2);
  const { tagsTotal, manifestsTotal, blobsTotal, bytesTotal } = outcome.task;
  expect(outcome.counts).toMatchObject({
    tagsDone: tagsTotal,
    manifestsDone: manifestsTotal,
    blobsDone: blobsTotal,
    bytesDone: bytesTotal,
  });
});

test.concurrent('platforms are read from configs; indexes and artifacts have none', async () => {
  const repository = createSampleRepository();
  const arm = addImage(repository, {
    seed: 'platform-arm',
    layers: [100],
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    tag: 'arm',
  });
  const docker = addImage(repository, {
    seed: 'platform-docker',
    layers: [100],
    format: 'docker',
    tag: 'docker',
  });
  const index = addIndex(repository, { manifests: [arm, docker], tag: 'index' });
  const chart = addArtifact(repository, {
    seed: 'platform-chart',
    configMediaType: 'application/vnd.cncf.helm.config.v1+json',
    tag: 'chart',
  });
  const scene = await stage.open({ repository });
  expect((await scene.sync()).task).toMatchObject(completed(1));
  const rows = await sql<{ digest: string; platform: string | null }>`
    select digest, platform from manifest where digest = any(${[arm, docker, index, chart].map(({ digest }) => digest)}::text[])`.execute(
    kysely(stage.harness.em()),
  );
  expect(new Map(rows.rows.map(({ digest, platform }) => [digest, platform]))).toEqual(
    new Map([
      [arm.digest, 'linux/arm/v7'],
      [docker.digest, 'linux/amd64'],
      [index.digest, null],
      [chart.digest, null],
    ]),
  );
});

test.concurrent('image indexes three levels deep are copied with all below them', async () => {
  const repository = createSampleRepository();
  const images = ['x', 'y'].map((name) => addImage(repository, { seed: `deep-${name}`, layers: [100] }));
  const inner = addIndex(repository, { manifests: images });
  const middle = addIndex(repository, { manifests: [inner], format: 'docker' });
  addIndex(repository, { manifests: [middle, ...images.slice(0, 1)], tag: 'deep' });
  const scene = await stage.open({ repository });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject(completed(1));
  expect(outcome.summary?.present).toEqual({ tags: 1, manifests: 5, blobs: 4, signatures: 0 });
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('referrers in a subject are recorded, and a tag of an unknown manifest type is copied as it is', async () => {
  const scene = await stage.openSynced();
  const raw = Buffer.from('\u0000 no JSON');
  const strange = addManifest(scene.repository, raw, 'application/vnd.example.unknown.v1', 'strange');
  const subject = scene.repository.tags.get('good') ?? noDigest;
  const size = scene.repository.manifests.get(subject)?.bytes.length ?? 0;
  const sbom = addArtifact(scene.repository, {
    seed: `${scene.seed}-sbom`,
    artifactType: 'application/spdx+json',
    subject: { mediaType: mediaTypes.ociManifest, digest: subject, size },
    tag: 'sbom',
  });
  expect((await scene.sync()).task).toMatchObject(completed(2));
  const rows = await sql<{ digest: string; raw: Buffer; subject: string | null; type: string | null }>`
    select digest, raw, subject_digest as subject, artifact_type as type from manifest
    where digest in (${strange.digest}, ${sbom.digest})`.execute(kysely(stage.harness.em()));
  const byDigest = new Map(rows.rows.map((row) => [row.digest, row]));
  expect(byDigest.get(strange.digest)).toMatchObject({ raw, subject: null });
  expect(byDigest.get(sbom.digest)).toMatchObject({ subject, type: 'application/spdx+json' });
});

test.concurrent('no partial file is left of syncs that succeeded', async () => {
  const scene = await stage.openSynced();
  const names = (scene.before[0]?.blobs ?? []).map((digest) => digest.split(':')[1] ?? '');
  const partials = await readdir(join(stage.harness.folder, 'partial'));
  expect(partials.filter((file) => names.some((name) => file.includes(name)))).toEqual([]);
});

test.concurrent('similar tags are requested once each with the digest of a neighbour, and point where upstream has them', async () => {
  const repository = createSampleRepository();
  const images = Array.from({ length: 40 }, (_, number) =>
    addImage(repository, { seed: `like-${process.pid}-${number}`, layers: [200], tag: `v${number}.0` }),
  );
  for (const [number, image] of images.entries())
    for (let patch = 1; patch < 5; patch += 1) repository.tags.set(`v${number}.${patch}`, image.digest);
  const scene = await stage.open({ repository, remote: { downloadConcurrency: 5 } });
  const read = () => scene.upstream.requests.filter(({ path }) => path.includes('/manifests/v'));
  const tagsOf = (version: number) => stage.harness.tags(scene.ids.repositoryId, version);

  expect((await scene.sync()).task).toMatchObject(completed(1));
  expect(await tagsOf(1)).toEqual(repository.tags);
  expect(read()).toHaveLength(200);
  expect(new Set(read().map(({ method }) => method))).toEqual(new Set(['GET']));
  expect(read().filter(({ headers }) => headers['if-none-match'] !== undefined).length).toBeGreaterThan(150);

  const [first, second] = images;
  if (first === undefined || second === undefined) throw new Error('there are no images');
  repository.tags.set('v0.2', second.digest);
  scene.upstream.requests.length = 0;
  expect((await scene.sync()).task).toMatchObject(completed(2));
  expect(await tagsOf(2)).toEqual(repository.tags);
  expect(read()).toHaveLength(200);
  expect(read().filter(({ headers }) => headers['if-none-match'] !== undefined).length).toBeGreaterThan(150);
  expect((await scene.sync()).task).toMatchObject(completed(null));
});
