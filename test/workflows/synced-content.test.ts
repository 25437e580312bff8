import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { readTaskCounts } from '../../src/db/tasks/tasks.ts';
import type { TaskCounts } from '../../src/db/tasks/tasks.ts';
import {
  addArtifact,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { openStage, readVersions, upstreamName, verifyBlobs } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const noDigest = `sha256:${'0'.repeat(64)}` as Digest;
const completed = (createdVersion: number | null) => ({
  state: 'COMPLETED',
  createdVersion,
  errorMessage: null,
});

/** One small image a tag. */
function imagesOf(seed: string, tags: readonly string[]): SampleRepository {
  const repository = createSampleRepository();
  for (const tag of tags) addImage(repository, { seed: `${seed}-${tag}`, layers: [200], tag });
  return repository;
}

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
