/** Tags and digests that nobody has synced, and that a pull brings: distributions with `pullThrough`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { pull } from '../support/api/pull.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { expectFitForPeople, readVersions, upstreamName } from '../support/sync/stage.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { until } from '../support/until.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

let scenes = 0;

/** An empty repository at its own name; its upstream has `v1`, an image, and `multi`, an index of two. */
async function openThrough(remote: Partial<Remote> = {}) {
  scenes += 1;
  const repository = createSampleRepository();
  const seed = `through-${process.pid}-${scenes}`;
  const image = addImage(repository, { seed, layers: [2_000, 300_000], tag: 'v1' });
  const children = ['amd64', 'arm64'].map((architecture) =>
    addImage(repository, {
      seed: `${seed}-${architecture}`,
      layers: [1_000],
      platform: { os: 'linux', architecture },
    }),
  );
  const index = addIndex(repository, { manifests: children, tag: 'multi' });
  const scene = await stage.open({ repository, remote: { policy: 'ON_DEMAND', ...remote } });
  const em = scene.harness.em();
  const distribution = await em.findOneOrFail(Distribution, { repositoryId: scene.ids.repositoryId });
  distribution.pullThrough = true;
  await em.flush();
  const name = distribution.basePath;
  const document = JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as {
    layers: { digest: Digest }[];
  };
  return {
    ...scene,
    name,
    image,
    index,
    children,
    layers: document.layers.map(({ digest }) => digest),
    distributionId: toGlobalId('Distribution', distribution.id),
    manifest: (reference: string, method = 'GET') =>
      pull(api.url, { method, path: `/v2/${name}/manifests/${reference}` }),
    blob: (digest: Digest) => pull(api.url, { path: `/v2/${name}/blobs/${digest}` }),
    asked: (part: string) => scene.upstream.requests.filter(({ path }) => path.includes(part)).length,
    versions: async () =>
      (await sqlVersions(scene.ids.repositoryId)).map(({ tags }) => Object.keys(tags).sort()),
  };
}

/** Without a look at the blobs: they are not stored. */
async function sqlVersions(repositoryId: number): Promise<{ readonly tags: Record<string, string> }[]> {
  const { latest } = await stage.harness.em().findOneOrFail(Repository, { id: repositoryId });
  return Promise.all(
    Array.from({ length: latest }, async (_, index) => ({
      tags: Object.fromEntries(await stage.harness.tags(repositoryId, index + 1)),
    })),
  );
}

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

describe('not pulled through', () => {
  test('content that the upstream lacks is 404; with a lifetime of 0, the miss is not cached', async () => {
    const scene = await openThrough();
    await scene.harness
      .em()
      .nativeUpdate(Distribution, { repositoryId: scene.ids.repositoryId }, { notFoundTtlSeconds: 0 });
    for (let round = 1; round <= 2; round += 1) {
      const { status, body } = await scene.manifest('missing');
      expect(status).toBe(404);
      expect(body.toString()).toContain('MANIFEST_UNKNOWN');
      expect(scene.asked('/manifests/missing')).toBe(round);
    }
    expect(await scene.versions()).toEqual([]);
  });

  test('a tag that the filters exclude is not requested from the upstream', async () => {
    const scene = await openThrough({ includeTags: ['v*'], excludeTags: ['v2'] });
    expect((await scene.manifest('multi')).status).toBe(404);
    expect((await scene.manifest('v2')).status).toBe(404);
    expect((await scene.manifest(scene.image.digest)).status).toBe(404);
    expect(scene.upstream.requests).toHaveLength(0);
    expect((await scene.manifest('v1')).status).toBe(200);
  });

  test('while the upstream is away: 503 for what is unknown, all else is served', async () => {
    const scene = await openThrough({ maxRetries: 0 });
    await scene.manifest('v1');
    await scene.upstream.close();
    const { status, body } = await scene.manifest('multi');
    expect(status).toBe(503);
    const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] };
    expect(errors[0]?.code).toBe('UNAVAILABLE');
    expectFitForPeople(errors[0]?.message ?? '');
    expect((await scene.manifest('v1')).status).toBe(200);
  });

  test('an index of which the upstream lacks all manifests: nothing is kept; of one: it is kept without it', async () => {
    const scene = await openThrough();
    const [first, second] = scene.children;
    for (const child of [first, second])
      scene.upstream.on(`GET /v2/${upstreamName}/manifests/${child?.digest}`, { status: 404 });
    expect((await scene.manifest('multi')).status).toBe(503);
    expect(await scene.versions()).toEqual([]);
    scene.upstream.on(`GET /v2/${upstreamName}/manifests/${first?.digest}`, {
      headers: { 'content-type': first?.mediaType ?? '' },
      body: scene.repository.manifests.get(first?.digest ?? ('' as Digest))?.bytes ?? '',
    });
    expect((await scene.manifest('multi')).status).toBe(200);
    expect((await scene.manifest(first?.digest ?? '')).status).toBe(200);
    const { status, body } = await scene.manifest(second?.digest ?? '');
    expect([status, body.toString()]).toEqual([404, expect.stringContaining('It is absent upstream')]);
  });

  test('images of platforms that the remote does not take', async () => {
    const scene = await openThrough({ tagRules: { platforms: ['linux/arm64'] } });
    const amd64 = await scene.manifest('v1');
    expect([amd64.status, amd64.body.toString()]).toEqual([
      404,
      expect.stringContaining('it is an image for linux/amd64, and the remote takes only linux/arm64'),
    ]);
    expect(await scene.versions()).toEqual([]);
    expect((await scene.manifest('multi')).status).toBe(200);
    const [first, second] = scene.children;
    const asked = scene.upstream.requests.length;
    const byDigest = await Promise.all([first, second].map((child) => scene.manifest(child?.digest ?? '')));
    expect(byDigest.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
    expect(byDigest.map(({ body }) => body.toString()).join()).toContain('It is absent by rule');
    expect(scene.upstream.requests).toHaveLength(asked);
  });

  test('a distribution that does not say so', async () => {
    const scene = await openThrough();
    const set =
      'mutation ($input: DistributionUpdateInput!) { distributionUpdate(input: $input) { distribution { pullThrough } userErrors { code field } } }';
    const answer = await api.graphql(set, { input: { id: scene.distributionId, pullThrough: false } });
    expect(answer.data).toEqual({
      distributionUpdate: { distribution: { pullThrough: false }, userErrors: [] },
    });
    expect((await scene.manifest('v1')).status).toBe(404);
    expect(scene.upstream.requests).toHaveLength(0);
  });
});

test('neither a pinned distribution nor a repository without a remote can pull through', async () => {
  const scene = await openThrough();
  await scene.manifest('v1');
  const { repositoryId } = scene.ids;
  const versionId = toGlobalId('RepositoryVersion', repositoryId, 1);
  const point =
    'mutation ($input: DistributionPointInput!) { distributionPoint(input: $input) { userErrors { field message } } }';
  const pinned = await api.graphql(point, { input: { id: scene.distributionId, versionId } });
  expect(pinned.text).toMatch(/"field":\["versionId"\].*Pull-through cannot be combined/);
  const create =
    'mutation ($input: DistributionCreateInput!) { distributionCreate(input: $input) { userErrors { field message } } }';
  const both = await api.graphql(create, {
    input: { basePath: `${scene.name}-pinned`, versionId, pullThrough: true },
  });
  expect(both.text).toMatch(/"field":\["pullThrough"\].*pinned/);
  const em = scene.harness.em();
  await em.nativeUpdate(Repository, { id: repositoryId }, { remoteId: null });
  const lonely = await api.graphql(create, {
    input: {
      basePath: `${scene.name}-lonely`,
      repositoryId: toGlobalId('Repository', repositoryId),
      pullThrough: true,
    },
  });
  expect(lonely.text).toMatch(/"field":\["pullThrough"\].*no remote/);
});
