import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, addLayer, removeTag } from '../../src/demo/sample-image.ts';
import { taskKey } from '../../src/db/tasks/task-log.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
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
