import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertVersion } from '../../support/api/content.ts';
import { pullPath } from '../../support/api/pull.ts';
import { insertSample } from '../../support/api/sample-repository.ts';
import type { SampleContent } from '../../support/api/sample-repository.ts';
import { distributionSteps } from '../../support/api/distribution-steps.ts';

let api: ApiUnderTest;
let sample: SampleContent;
beforeAll(async () => {
  api = await startApi();
  sample = await insertSample(api, 'apps/one');
});
afterAll(() => api.close());

/** What clients get. */
async function pull(path: string) {
  const { status, digest } = await pullPath(api.url, path);
  return { status, digest };
}

const { mutate, remove, ownOf, catalog, repositoryId } = distributionSteps(() => ({ api, sample }));

describe('a distribution', () => {
  test('is created, found, updated and deleted; what it serves stays', async () => {
    const { distribution, userErrors } = await mutate('Create', {
      basePath: 'crud/one',
      repositoryId: repositoryId(),
    });
    expect(userErrors).toEqual([]);
    expect(distribution).toMatchObject({
      basePath: 'crud/one',
      private: false,
      repository: { name: 'apps/one' },
      version: null,
      moves: { totalCount: 0, nodes: [] },
    });
    const { id } = distribution;
    const read = await api.graphql(
      'query ($id: ID!) { node(id: $id) { __typename id } byId: distribution(id: $id) { basePath } byPath: distribution(basePath: "crud/one") { id } none: distribution(basePath: "no/such") { id } }',
      { id },
    );
    expect(read.data).toEqual({
      node: { __typename: 'Distribution', id },
      byId: { basePath: 'crud/one' },
      byPath: { id },
      none: null,
    });
    expect(await pull('crud/one/manifests/plain')).toEqual({ status: 200, digest: sample.digests.plain });
    const renamed = await mutate('Update', { id, basePath: 'crud/two' });
    expect(renamed).toMatchObject({ distribution: { id, basePath: 'crud/two' }, userErrors: [] });
    expect((await pull('crud/one/manifests/plain')).status).toBe(404);
    expect((await pull('crud/two/manifests/plain')).status).toBe(200);
    expect(await remove('distributionDelete', id)).toEqual({ deletedId: id, userErrors: [] });
    expect((await pull('crud/two/manifests/plain')).status).toBe(404);
    expect((await pull('apps/one/manifests/plain')).status).toBe(200);
    expect((await remove('distributionDelete', id)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['id'] },
    ]);
  });

  test('keeps how long tags and misses are believed, within limits', async () => {
    const lifetimes = 'distribution { tagTtlSeconds notFoundTtlSeconds }';
    const input = { basePath: 'fresh/one', repositoryId: repositoryId() };
    const made = await mutate('Create', input);
    const set = async (changes: object) =>
      (await api.mutate('distributionUpdate', { id: made.distribution.id, ...changes }, lifetimes))
        .distribution;
    expect(await set({})).toEqual({ tagTtlSeconds: null, notFoundTtlSeconds: 60 });
    expect(await set({ tagTtlSeconds: 300 })).toEqual({ tagTtlSeconds: 300, notFoundTtlSeconds: 60 });
    expect(await set({ notFoundTtlSeconds: 0 })).toEqual({ tagTtlSeconds: 300, notFoundTtlSeconds: 0 });
    expect(await set({ tagTtlSeconds: null })).toEqual({ tagTtlSeconds: null, notFoundTtlSeconds: 0 });
    const wrong = { tagTtlSeconds: -1, notFoundTtlSeconds: 86_401 };
    const refused = [
      await mutate('Create', { ...input, basePath: 'fresh/two', ...wrong }),
      await mutate('Update', { id: made.distribution.id, ...wrong }),
    ];
    for (const { userErrors } of refused)
      expect(userErrors).toMatchObject([
        {
          field: ['tagTtlSeconds'],
          message: 'tagTtlSeconds is "-1"; expected a whole number from 0 to 31536000.',
        },
        { field: ['notFoundTtlSeconds'] },
      ]);
    const cleared = await mutate('Update', { id: made.distribution.id, notFoundTtlSeconds: null });
    expect(cleared.userErrors).toMatchObject([{ field: ['notFoundTtlSeconds'] }]);
  });

  test('a private one is served, and left out of the catalog', async () => {
    const { distribution } = await mutate('Create', {
      basePath: 'hidden/one',
      versionId: sample.versionId,
      private: true,
    });
    expect(await catalog()).not.toContain('hidden/one');
    await mutate('Update', { id: distribution.id, private: false });
    expect(await catalog()).toContain('hidden/one');
  });

  test('the list is in order of base path, paged by cursor', async () => {
    for (const basePath of ['zz/b', 'zz/a', 'zz/c'])
      await mutate('Create', { basePath, repositoryId: repositoryId() });
    const query =
      'query ($after: String) { distributions(first: 2, after: $after) { totalCount nodes { basePath } pageInfo { hasNextPage endCursor } } }';
    const paths: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await api.graphql(query, { after });
      paths.push(...data.distributions.nodes.map((node: { basePath: string }) => node.basePath));
      expect(data.distributions.totalCount).toBeGreaterThanOrEqual(paths.length);
      after = data.distributions.pageInfo.hasNextPage ? data.distributions.pageInfo.endCursor : null;
    } while (after !== null);
    expect(paths).toEqual([...paths].sort());
    expect(paths).toEqual(expect.arrayContaining(['apps/one', 'zz/a', 'zz/b', 'zz/c']));
    expect(new Set(paths).size).toBe(paths.length);
  });
});

describe('distributionPoint', () => {
  test('promotes and rolls back in one step, and keeps the history', async () => {
    const other = await insertSample(api, 'apps/promoted');
    const { distribution } = await mutate('Create', { basePath: 'prod/app', versionId: sample.versionId });
    const { id } = distribution;
    expect(await pull('prod/app/manifests/list')).toEqual({ status: 200, digest: sample.digests.list });
    await mutate('Point', { id, versionId: other.versionId });
    expect(await pull('prod/app/manifests/list')).toEqual({ status: 200, digest: other.digests.list });
    await mutate('Point', { id, versionId: other.versionId });
    const followed = await mutate('Point', { id, repositoryId: repositoryId() });
    expect(await pull('prod/app/manifests/list')).toEqual({ status: 200, digest: sample.digests.list });
    expect(followed).toMatchObject({
      userErrors: [],
      distribution: { repository: { name: 'apps/one' }, version: null },
    });
    expect(followed.distribution.moves).toEqual({
      totalCount: 2,
      nodes: [
        {
          fromRepository: { name: 'apps/promoted' },
          fromVersion: { number: 1 },
          fromVersionNumber: 1,
          toRepository: { name: 'apps/one' },
          toVersionNumber: null,
        },
        {
          fromRepository: { name: 'apps/one' },
          fromVersion: { number: 1 },
          fromVersionNumber: 1,
          toRepository: { name: 'apps/promoted' },
          toVersionNumber: 1,
        },
      ],
    });
    await remove('repositoryDelete', toGlobalId('Repository', other.repositoryId));
    const { data } = await api.graphql(
      'query ($id: ID!) { distribution(id: $id) { moves(first: 1) { nodes { fromRepository { name } fromVersionNumber } pageInfo { hasNextPage } } } }',
      { id },
    );
    expect(data.distribution.moves).toEqual({
      nodes: [{ fromRepository: null, fromVersionNumber: 1 }],
      pageInfo: { hasNextPage: true },
    });
  });

  test('a mirror’s own can be pinned to each of its versions, and follow again', async () => {
    const mirror = await insertSample(api, 'apps/mirror');
    await insertVersion(api, mirror.repositoryId, 2);
    await api.sql('update repository set is_mirrored = true where id = $1', [mirror.repositoryId]);
    const id = await ownOf('apps/mirror');
    const pinned = await mutate('Point', { id, versionId: mirror.versionId });
    expect(pinned).toMatchObject({ distribution: { version: { number: 1 } }, userErrors: [] });
    const followed = await mutate('Point', {
      id,
      repositoryId: toGlobalId('Repository', mirror.repositoryId),
    });
    expect(followed).toMatchObject({ distribution: { version: null }, userErrors: [] });
  });

  test('twenty callers that point one at once: none fails, and the history is one chain', async () => {
    const other = await insertSample(api, 'apps/raced');
    const { distribution } = await mutate('Create', { basePath: 'raced/app', versionId: sample.versionId });
    const { id } = distribution;
    const targets = [{ versionId: other.versionId }, { repositoryId: repositoryId() }] as const;
    const payloads = await Promise.all(
      Array.from({ length: 20 }, (_, index) => mutate('Point', { id, ...targets[index % 2] })),
    );
    expect(payloads.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    const moves = await api.sql(
      `select from_repository_id as a, from_version as b, to_repository_id as c, to_version as d
       from distribution_move where distribution_id = (select id from distribution where base_path = 'raced/app') order by id`,
    );
    expect(moves.length).toBeGreaterThan(0);
    let at: unknown[] = [sample.repositoryId, 1];
    for (const { a, b, c, d } of moves) {
      expect([Number(a), b]).toEqual(at);
      at = [Number(c), d];
    }
  });
});
