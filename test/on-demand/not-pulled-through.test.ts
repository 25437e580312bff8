/** Tags and digests that nobody has synced, and that a pull brings: distributions with `pullThrough`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { expectFitForPeople, upstreamName } from '../support/sync/stage.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { throughRemotes } from '../support/upstream/through-remotes.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const { openThrough } = throughRemotes(() => ({ stage, api }));

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
