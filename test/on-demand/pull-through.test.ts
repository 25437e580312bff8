/** Tags and digests that nobody has synced, and that a pull brings: distributions with `pullThrough`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { pull } from '../support/api/pull.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { readVersions } from '../support/sync/stage.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { until } from '../support/until.ts';
import { throughRemotes } from '../support/upstream/through-remotes.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const { openThrough } = throughRemotes(() => ({ stage, api }));

describe('a pull', () => {
  test('of an unknown tag is answered before any layer is fetched, and makes a version', async () => {
    const scene = await openThrough();
    const head = await scene.manifest('v1', 'HEAD');
    expect([head.status, head.headers['docker-content-digest']]).toEqual([200, scene.image.digest]);
    const { body } = await scene.manifest('v1');
    expect(digestBytes(body)).toBe(scene.image.digest);
    expect(scene.asked('/blobs/')).toBe(0);
    expect(scene.asked('/manifests/v1')).toBe(1);
    expect(await scene.versions()).toEqual([['v1']]);

    const answers = await Promise.all(scene.layers.map((digest) => scene.blob(digest)));
    expect(answers.map(({ body: bytes }) => digestBytes(bytes))).toEqual(scene.layers);
    const list = await pull(api.url, { path: `/v2/${scene.name}/tags/list` });
    expect(JSON.parse(list.body.toString())).toMatchObject({ tags: ['v1'] });
  });

  test('of an index brings all of its manifests; of one of them by digest asks nobody then', async () => {
    const scene = await openThrough();
    expect((await scene.manifest('multi')).status).toBe(200);
    const asked = scene.upstream.requests.length;
    for (const child of scene.children) expect((await scene.manifest(child.digest)).status).toBe(200);
    expect(scene.upstream.requests.length).toBe(asked);
  });

  test('by digest is kept untagged', async () => {
    const scene = await openThrough();
    expect((await scene.manifest(scene.image.digest)).status).toBe(200);
    expect((await scene.manifest(scene.image.digest)).status).toBe(200);
    expect(await scene.versions()).toEqual([[]]);
    expect(scene.asked('/manifests/')).toBe(1);
  });

  test('by twenty clients of two processes makes one version', async () => {
    const scene = await openThrough();
    const other = await startHarnessApi(stage.harness);
    try {
      const path = `/v2/${scene.name}/manifests/multi`;
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => pull(index % 2 === 0 ? api.url : other.url, { path })),
      );
      expect(answers.map(({ body }) => digestBytes(body))).toEqual(
        Array.from(answers, () => scene.index.digest),
      );
      expect(await scene.versions()).toEqual([['multi']]);
      expect(scene.asked('/manifests/multi')).toBeLessThanOrEqual(2);
    } finally {
      await other.close();
    }
  });

  test('of another tag is another version; with IMMEDIATE, layers are stored when they are asked for', async () => {
    const scene = await openThrough({ policy: 'IMMEDIATE' });
    await scene.manifest('v1');
    await scene.manifest('multi');
    expect(await scene.versions()).toEqual([['v1'], ['multi', 'v1']]);
    expect(scene.asked('/blobs/')).toBe(0);
    const [layer] = scene.layers;
    if (layer === undefined) throw new Error('the image has layers');
    const { length } = (await scene.blob(layer)).body;
    await until(() => scene.harness.store.exists({ digest: layer, size: length }));
    // a sync makes it whole, and takes nothing away
    const { task } = await scene.sync();
    expect(task.state).toBe('COMPLETED');
    await readVersions(scene.harness, scene.ids.repositoryId);
  });

  test('of what is there asks nobody, also when the upstream has another by now', async () => {
    const scene = await openThrough();
    await scene.manifest('v1');
    const moved = addImage(scene.repository, { seed: `${scene.seed}-moved`, layers: [10], tag: 'v1' });
    const { headers } = await scene.manifest('v1');
    expect(headers['docker-content-digest']).not.toBe(moved.digest);
    expect(scene.asked('/manifests/v1')).toBe(1);
  });
});
