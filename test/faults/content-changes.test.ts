import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyContent, restoreVersion, tagManifest, untag } from '../../src/db/versions/change-content.ts';
import { addImage, addLayer } from '../../src/demo/sample-image.ts';
import { everything } from '../../src/db/access/visibility.ts';
import { openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test('fault 97: changes by hand do not wait for a running sync, and its commit builds on what is latest then', async () => {
  const { harness } = stage;
  const source = await stage.openSynced();
  const good = (await harness.tags(source.ids.repositoryId, 1)).get('good') ?? '';
  const scene = await stage.open();
  const { repositoryId } = scene.ids;
  const copied = { repositoryId: source.ids.repositoryId, number: 1 };
  await copyContent(harness.em(), { repositoryId, source: copied, tags: null, usableRemotes: everything });

  const layer = addLayer(scene.repository, `${scene.seed}-held`, 5_000);
  addImage(scene.repository, { seed: `${scene.seed}-held`, layers: [layer], tag: 'held' });
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  scene.upstream.on(`GET /v2/${upstreamName}/blobs/${layer.digest}`, async (_, response) => {
    reached.resolve();
    await released.promise;
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(scene.repository.blobs.get(layer.digest));
  });
  const task = await harness.start(scene.ids);
  await reached.promise;
  const em = harness.em();
  expect(await tagManifest(em, { repositoryId, tag: 'local', digest: good })).toEqual({ createdVersion: 2 });
  expect(await untag(em, { repositoryId, tag: 'good' })).toEqual({ createdVersion: 3 });
  expect(await tagManifest(em, { repositoryId, tag: 'held', digest: good })).toEqual({ createdVersion: 4 });
  expect((await harness.read(task.id)).task.state).toBe('RUNNING');
  released.resolve();

  const { task: done } = await harness.finish(task);
  expect(done).toMatchObject({ state: 'COMPLETED', createdVersion: 5 });
  const upstreamTags = Object.fromEntries(scene.repository.tags);
  const versions = await readVersions(harness, repositoryId);
  expect(versions.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(versions.at(-1)?.tags).toEqual({ ...upstreamTags, local: good });

  await expect(untag(em, { repositoryId, tag: 'local' })).rejects.toMatchObject({
    code: 'REPOSITORY_IS_MIRRORED',
    origin: 'caller',
  });
  expect(await restoreVersion(em, { repositoryId, number: 2 })).toEqual({ createdVersion: 6 });
  const restored = await readVersions(harness, repositoryId);
  const { number, counts, ...second } = restored[1] ?? { number: 0, counts: null };
  expect([number, counts]).not.toEqual([0, null]);
  expect(restored.at(-1)).toMatchObject(second);
});
