import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertRepository } from '../../support/api/content.ts';
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

const { mutate, remove, ownOf, catalog, repositoryId } = distributionSteps(() => ({ api, sample }));

describe('invalid input', () => {
  const nowhere = toGlobalId('Repository', 999_999);
  const rows: readonly {
    readonly name: string;
    readonly mutation: 'Create' | 'Update' | 'Point';
    readonly input: () => object | Promise<object>;
    readonly errors: readonly (readonly [code: string, field: string])[];
  }[] = [
    {
      name: 'fault 64: a base path that climbs, for no repository',
      mutation: 'Create',
      input: () => ({ basePath: '../../etc/passwd', repositoryId: nowhere }),
      errors: [
        ['INVALID', 'basePath'],
        ['NOT_FOUND', 'repositoryId'],
      ],
    },
    {
      name: "a repository's own name, for neither a version nor a repository",
      mutation: 'Create',
      input: () => ({ basePath: 'apps/one' }),
      errors: [
        ['ALREADY_EXISTS', 'basePath'],
        ['INVALID', 'versionId'],
      ],
    },
    {
      name: 'both a version and a repository',
      mutation: 'Create',
      input: () => ({ basePath: 'new/one', repositoryId: repositoryId(), versionId: sample.versionId }),
      errors: [['INVALID', 'versionId']],
    },
    {
      name: 'fault 91: a version id of another type',
      mutation: 'Create',
      input: () => ({ basePath: 'new/one', versionId: repositoryId() }),
      errors: [['NOT_FOUND', 'versionId']],
    },
    {
      name: 'a distribution that is not there, cleared',
      mutation: 'Update',
      input: () => ({ id: toGlobalId('Distribution', 999_999), basePath: null, private: null }),
      errors: [
        ['NOT_FOUND', 'id'],
        ['INVALID', 'basePath'],
        ['INVALID', 'private'],
      ],
    },
    {
      name: "another base path for the one at a repository's own name",
      mutation: 'Update',
      input: async () => ({ id: await ownOf('apps/one'), basePath: 'new/one' }),
      errors: [['INVALID', 'basePath']],
    },
    {
      name: 'no version, no distribution',
      mutation: 'Point',
      input: () => ({ id: 'x', versionId: toGlobalId('RepositoryVersion', sample.repositoryId, 99) }),
      errors: [
        ['NOT_FOUND', 'id'],
        ['NOT_FOUND', 'versionId'],
      ],
    },
    {
      name: "another repository at a repository's own name",
      mutation: 'Point',
      input: async () => {
        const key = await insertRepository(api, 'apps/unrelated');
        return { id: await ownOf('apps/one'), repositoryId: toGlobalId('Repository', key) };
      },
      errors: [['INVALID', 'repositoryId']],
    },
  ];

  test.each(rows)('$name', async ({ mutation, input, errors }) => {
    const wish = await input();
    const state = 'select md5(string_agg(d::text, $1 order by id)) as rows from distribution d';
    const before = await api.sql(state, [',']);
    const payload = await mutate(mutation, wish);
    expect(payload.distribution).toBeNull();
    expect(
      payload.userErrors.map(({ code, field }: { code: string; field: string[] }) => [code, field.join('.')]),
    ).toEqual(errors);
    expect(await api.sql(state, [','])).toEqual(before);
  });

  test("the distribution at a repository's own name is not deleted", async () => {
    const { deletedId, userErrors } = await remove('distributionDelete', await ownOf('apps/one'));
    expect(deletedId).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'IN_USE', field: ['id'] }]);
    expect(userErrors[0].message).toContain("its repository's own name");
  });

  test('a repository that others serve is not deleted, and they are named', async () => {
    const used = await insertSample(api, 'apps/used');
    const id = toGlobalId('Repository', used.repositoryId);
    const made = [
      await mutate('Create', { basePath: 'used/a', versionId: used.versionId }),
      await mutate('Create', { basePath: 'used/b', repositoryId: id }),
    ];
    const { deletedId, userErrors } = await remove('repositoryDelete', id);
    expect(deletedId).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'IN_USE', field: ['id'] }]);
    expect(userErrors[0].message).toContain('"used/a", "used/b"');
    for (const { distribution } of made) await remove('distributionDelete', distribution.id);
    expect(await remove('repositoryDelete', id)).toEqual({ deletedId: id, userErrors: [] });
    expect(await catalog()).not.toContain('apps/used');
  });

  test('eight callers that take one base path at once: one gets it', async () => {
    const payloads = await Promise.all(
      Array.from({ length: 8 }, () =>
        mutate('Create', { basePath: 'taken/once', repositoryId: repositoryId() }),
      ),
    );
    expect(payloads.filter(({ distribution }) => distribution !== null)).toHaveLength(1);
    expect(payloads.flatMap(({ userErrors }) => userErrors)).toHaveLength(7);
    expect(payloads.flatMap(({ userErrors }) => userErrors)[0]).toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});
