import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBlob, addImage, addLayer, addManifest, removeTag } from '../../src/demo/sample-image.ts';
import { seededBytes } from '../../src/demo/sample-layer.ts';
import { taskKey } from '../../src/db/tasks/task-log.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { blob, reset, truncated } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { expectKept, openStage, readVersions, upstreamName, expectTries } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** A new tag `new` whose one layer is answered as the test says. */
function addBroken(scene: Scene, sizeBytes: number): { digest: Digest; bytes: Buffer; route: string } {
  const layer = addLayer(scene.repository, `${scene.seed}-new`, sizeBytes);
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [layer], tag: 'new' });
  const bytes = scene.repository.blobs.get(layer.digest) ?? Buffer.alloc(0);
  return { digest: layer.digest, bytes, route: `GET /v2/${upstreamName}/blobs/${layer.digest}` };
}

const octets = { 'content-type': 'application/octet-stream' };

async function partials(digest: Digest): Promise<string[]> {
  const files = await stage.harness.partialFiles();
  return files.filter((file) => file.includes(digest.split(':')[1] ?? '?'));
}

test.concurrent('fault 1: a body that ends early again and again is UPSTREAM_TRUNCATED', async () => {
  const scene = await stage.openSynced();
  const { route, bytes, digest } = addBroken(scene, 100_000);
  // every answer gives the header of the whole and no byte: nothing to resume from
  scene.upstream.on(route, truncated({ headers: octets, body: bytes }, 0));
  const outcome = await scene.sync();
  await expectKept(scene, outcome, { code: 'UPSTREAM_TRUNCATED', says: ['ended early'] });
  expect(scene.upstream.requestsOf(route).length).toBeLessThanOrEqual(12);
  expect(await stage.harness.storedFiles()).not.toContain(digest.split(':')[1]);

  const { name: repository } = scene;
  const task = taskKey(outcome.task.id);
  const lines = stage.harness.logged(task);
  expect(lines.at(0)).toMatchObject({ level: 30, event: 'task.begun', task, repository, trigger: 'MANUAL' });
  expect(lines.filter(({ msg }) => msg === 'a step failed')[0]).toMatchObject({
    level: 40,
    repository,
    digest,
    err: { code: 'UPSTREAM_TRUNCATED', message: expect.stringContaining('ended early') },
  });
  expect(lines.filter(({ event }) => event === 'task.ended')).toMatchObject([
    { level: 40, task, repository, outcome: 'FAILED', code: 'UPSTREAM_TRUNCATED' },
  ]);
});

test.concurrent('fault 1: after a truncation the next attempt asks for the rest only', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 400_000);
  scene.upstream.on(
    route,
    truncated({ headers: octets, body: bytes }, 150_000),
    truncated({ headers: octets, body: bytes }, 0),
    blob(bytes),
  );
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(stage.harness.logged(taskKey(outcome.task.id)).at(-1)).toMatchObject({
    level: 30,
    event: 'task.ended',
    repository: scene.name,
    remote: new URL(scene.upstream.url).host,
    outcome: 'COMPLETED',
    version: 2,
    tags: outcome.counts?.tagsDone,
    bytes: (outcome.counts?.bytesDone ?? 0) - (outcome.counts?.bytesReused ?? 0),
    seconds: expect.any(Number),
  });
  const asked = scene.upstream.requestsOf(route);
  expect(asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('what an earlier sync has fetched of a blob counts as done, and not as fetched', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 400_000);
  scene.upstream.on(route, truncated({ headers: octets, body: bytes }, 150_000), { status: 403 });
  const failed = await scene.sync();
  expect(failed.task).toMatchObject({ state: 'FAILED', errorCode: 'UPSTREAM_FORBIDDEN' });
  // of what the repository has already
  const stored = failed.counts?.bytesReused ?? 0;
  scene.upstream.on(route, blob(bytes));
  const { task, counts } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const [, start = ''] =
    /^bytes=(\d+)-$/.exec(scene.upstream.requestsOf(route).at(-1)?.headers.range ?? '') ?? [];
  expect(Number(start)).toBeGreaterThan(0);
  expect(counts?.bytesDone).toBe(task.bytesTotal);
  // smaller blobs may have been stored as well
  expect((counts?.bytesReused ?? 0) - stored).toBeGreaterThanOrEqual(Number(start));
});

test.concurrent('fault 2: a Content-Length that is not the size is SIZE_MISMATCH', async () => {
  for (const length of [-500, 500]) {
    const scene = await stage.openSynced();
    const { route, bytes, digest } = addBroken(scene, 5_000);
    const body = length < 0 ? bytes.subarray(0, length) : Buffer.concat([bytes, Buffer.alloc(length)]);
    scene.upstream.on(route, { headers: octets, body });
    const says = [String(body.length), String(bytes.length)];
    await expectKept(scene, await scene.sync(), { code: 'SIZE_MISMATCH', says });
    expect(await partials(digest)).toEqual([]);
  }
});

test.concurrent('fault 2: a body without a length is left after one byte more than its size', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 5_000);
  let sentBytes = 0;
  const endless: Answer = (_request, response) => {
    response.writeHead(200, octets);
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length;
    };
    response.on('drain', more);
    more();
  };
  scene.upstream.on(route, endless);
  await expectKept(scene, await scene.sync(), { code: 'SIZE_MISMATCH', says: [String(bytes.length)] });
  expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
});

test.concurrent('fault 2: manifests that give one blob two sizes, or a stored one another, are SIZE_MISMATCH', async () => {
  const scene = await stage.openSynced();
  const { repository, seed } = scene;
  const layer = addLayer(repository, `${seed}-two-sizes`, 1_000);
  addImage(repository, { seed: `${seed}-a`, layers: [layer], tag: 'a' });
  addImage(repository, { seed: `${seed}-b`, layers: [{ ...layer, size: layer.size + 1 }], tag: 'b' });
  const kept = { code: 'SIZE_MISMATCH', says: [layer.digest, String(layer.size), String(layer.size + 1)] };
  await expectKept(scene, await scene.sync(), kept);
  expect(scene.upstream.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
  removeTag(repository, 'b');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  addImage(repository, { seed: `${seed}-b`, layers: [{ ...layer, size: layer.size + 1 }], tag: 'b' });
  const before = await readVersions(stage.harness, scene.ids.repositoryId);
  await expectKept({ ...scene, before }, await scene.sync(), kept);
});

test.concurrent('fault 3: other bytes of the right size are fetched once more, then DIGEST_MISMATCH', async () => {
  const scene = await stage.openSynced();
  const { route, bytes, digest } = addBroken(scene, 5_000);
  const wrong = Buffer.from(bytes.map((byte) => byte ^ 1));
  scene.upstream.on(route, { headers: octets, body: wrong });
  const outcome = await scene.sync();
  await expectKept(scene, outcome, { code: 'DIGEST_MISMATCH', says: [digest, digestBytes(wrong)] });
  expect(scene.upstream.requestsOf(route)).toHaveLength(2);
  expect(await partials(digest)).toEqual([]);
});

test.concurrent('fault 3: bytes that were wrong once only are no failure', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 5_000);
  const wrong = Buffer.from(bytes.map((byte) => byte ^ 1));
  scene.upstream.on(route, { headers: octets, body: wrong }, { headers: octets, body: bytes });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 7: a resume that is answered 200 begins again', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 400_000);
  scene.upstream.on(route, truncated({ headers: octets, body: bytes }, 150_000), {
    headers: octets,
    body: bytes,
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(scene.upstream.requestsOf(route)).toHaveLength(2);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 8: a resume that is answered with another part is asked for whole', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 400_000);
  const otherPart: Answer = {
    status: 206,
    headers: { ...octets, 'content-range': `bytes 5-${bytes.length - 1}/${bytes.length}` },
    body: bytes.subarray(5),
  };
  scene.upstream.on(route, truncated({ headers: octets, body: bytes }, 150_000), otherPart, blob(bytes));
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(scene.upstream.requestsOf(route).at(-1)?.headers.range).toBeUndefined();
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 11: a blob whose connections are reset is UPSTREAM_UNAVAILABLE, with bounded tries', async () => {
  const scene = await stage.openSynced();
  const { route } = addBroken(scene, 5_000);
  scene.upstream.on(route, reset);
  await expectKept(scene, await scene.sync(), { code: 'UPSTREAM_UNAVAILABLE' });
  // three attempts of the activity, each with one repetition of the client's (maxRetries: 1)
  expectTries(scene.upstream.requestsOf(route), 6);
});

test.concurrent('fault 11: a blob that the upstream does not have fails the sync at once', async () => {
  const scene = await stage.openSynced();
  const { route, digest } = addBroken(scene, 5_000);
  scene.repository.blobs.delete(digest);
  await expectKept(scene, await scene.sync(), { code: 'CONTENT_UNKNOWN', says: ['404', digest] });
  expect(scene.upstream.requestsOf(route)).toHaveLength(1);
});

test.concurrent('fault 25: a blob that comes gzipped is stored as the bytes of its digest', async () => {
  const scene = await stage.openSynced();
  const { route, bytes } = addBroken(scene, 50_000);
  scene.upstream.on(route, {
    headers: { ...octets, 'content-encoding': 'gzip' },
    body: gzipSync(bytes),
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(scene.upstream.requestsOf(route)[0]?.headers['accept-encoding']).toBe('identity');
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 48: foreign layers that the upstream does not have are recorded with a warning, and never asked of their urls', async () => {
  const scene = await stage.openSynced();
  const elsewhere = scene.upstream.url.replace('127.0.0.1', 'localhost');
  const foreign = {
    mediaType: mediaTypes.dockerForeignLayerGzip,
    digest: digestBytes(seededBytes(`${scene.seed}-foreign`, 10)),
    size: 10,
    urls: [`${elsewhere}/foreign`],
  };
  const config = addBlob(
    scene.repository,
    Buffer.from('{"os":"windows","architecture":"amd64"}'),
    mediaTypes.dockerConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-layer`, 3_000, 'docker');
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config,
    layers: [foreign, layer],
  };
  addManifest(scene.repository, document, mediaTypes.dockerManifest, 'windows');
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const blobs = await stage.harness.content(scene.ids.repositoryId, 2, 'blob');
  expect(blobs).toContain(layer.digest);
  expect(blobs).not.toContain(foreign.digest);
  expect(scene.upstream.requests.filter(({ path }) => path.startsWith('/foreign'))).toEqual([]);
  expect(outcome.warnings).toEqual([expect.stringContaining(foreign.digest)]);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 49: no layers, a blob of no bytes and the same layer 100 times are stored, each blob once', async () => {
  const scene = await stage.openSynced();
  const { repository, seed } = scene;
  const empty = addBlob(repository, Buffer.alloc(0), mediaTypes.ociLayer);
  const layer = addLayer(repository, `${seed}-same`, 2_000);
  addImage(repository, { seed: `${seed}-none`, layers: [], tag: 'no-layers' });
  addImage(repository, { seed: `${seed}-empty`, layers: [empty], tag: 'empty-layer' });
  addImage(repository, {
    seed: `${seed}-same`,
    layers: Array.from({ length: 100 }, () => layer),
    tag: 'same',
  });
  const data = {
    ...addBlob(repository, Buffer.from(`{"seed":"${seed}"}`), 'application/x-test+json'),
    data: 'AAAA',
  };
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: data, layers: [layer] };
  addManifest(repository, document, mediaTypes.ociManifest, 'wrong-data');
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  for (const { digest } of [layer, empty, data])
    expect(scene.upstream.requestsOf(`GET /v2/${upstreamName}/blobs/${digest}`).length).toBeLessThanOrEqual(
      1,
    );
  // three configs, the config with data, the layer, and the blob of no bytes
  expect(outcome.summary?.added).toMatchObject({ tags: 4, manifests: 4, blobs: 6 });
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 50: a config above 4 MiB is stored and not parsed', async () => {
  const scene = await stage.openSynced();
  const config = addBlob(
    scene.repository,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', padding: 'x'.repeat(5 * 1024 * 1024) })),
    mediaTypes.ociConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-layer`, 1_000);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  const { digest } = addManifest(scene.repository, document, mediaTypes.ociManifest, 'big-config');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const rows = await stage.harness.database.em
    .fork()
    .execute<{ platform: string | null }[]>('select platform from manifest where digest = ?', [digest]);
  expect(rows).toEqual([{ platform: null }]);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test('fault 53: what would exceed the quota is STORAGE_QUOTA, and leaves no temporary file', async () => {
  const small = await openStage({ quotaBytes: 400_000 });
  try {
    const scene = await small.openSynced();
    const { route } = addBroken(scene, 500_000);
    await expectKept(scene, await scene.sync(), {
      code: 'STORAGE_QUOTA',
      says: ['400000'],
      namesRequest: false,
    });
    expect(scene.upstream.requestsOf(route)).toEqual([]);
    // each would fit, all together do not: refused before the first
    for (let at = 0; at < 5; at += 1)
      addImage(scene.repository, { seed: `${scene.seed}-${at}`, layers: [100_000], tag: 'new' + String(at) });
    removeTag(scene.repository, 'new');
    await expectKept(scene, await scene.sync(), { code: 'STORAGE_QUOTA', namesRequest: false });
    expect(scene.upstream.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(await small.harness.partialFiles()).toEqual([]);
    expect((await scene.sync({ dryRun: true })).task).toMatchObject({ state: 'COMPLETED' });
  } finally {
    await small.close();
  }
});
