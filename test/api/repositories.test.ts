import { toGlobalId } from '../../src/operations/global-id.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const create = (input: object) =>
  api.mutate(
    'repositoryCreate',
    input,
    `repository { id name description isMirrored retainVersions createdAt updatedAt latestVersion { number } remote { name } }`,
  );

describe('a repository', () => {
  test('is created, read by id and by name, updated and deleted', async () => {
    const { repository, userErrors } = await create({
      name: 'crud/one',
      description: 'first',
      retainVersions: 3,
    });
    expect(userErrors).toEqual([]);
    expect(repository).toMatchObject({
      name: 'crud/one',
      description: 'first',
      isMirrored: false,
      retainVersions: 3,
      latestVersion: null,
    });
    expect(repository.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

    const read = await api.graphql(
      'query ($id: ID!) { node(id: $id) { __typename id } byId: repository(id: $id) { name } byName: repository(name: "crud/one") { id } }',
      { id: repository.id },
    );
    expect(read.data).toEqual({
      node: { __typename: 'Repository', id: repository.id },
      byId: { name: 'crud/one' },
      byName: { id: repository.id },
    });

    const update = await api.graphql(
      'mutation ($input: RepositoryUpdateInput!) { repositoryUpdate(input: $input) { repository { name description retainVersions } userErrors { code } } }',
      { input: { id: repository.id, description: null } },
    );
    expect(update.data.repositoryUpdate).toEqual({
      repository: { name: 'crud/one', description: null, retainVersions: 3 },
      userErrors: [],
    });

    const remove =
      'mutation ($id: ID!) { repositoryDelete(input: { id: $id }) { deletedId userErrors { code field } } }';
    expect((await api.graphql(remove, { id: repository.id })).data.repositoryDelete).toEqual({
      deletedId: repository.id,
      userErrors: [],
    });
    expect((await api.graphql(remove, { id: repository.id })).data.repositoryDelete).toEqual({
      deletedId: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['id'] }],
    });
  });
});

interface Mistake {
  readonly name: string;
  readonly input: object;
  readonly errors: readonly (readonly [string, readonly string[]])[];
}

const mistakes: readonly Mistake[] = [
  { name: 'an empty name', input: { name: '' }, errors: [['INVALID', ['name']]] },
  { name: 'capitals', input: { name: 'Repo' }, errors: [['INVALID', ['name']]] },
  { name: 'a name that climbs', input: { name: '../../etc/passwd' }, errors: [['INVALID', ['name']]] },
  { name: 'an empty part', input: { name: 'a//b' }, errors: [['INVALID', ['name']]] },
  { name: 'a NUL in the name', input: { name: 'a\0b' }, errors: [['INVALID', ['name']]] },
  { name: '256 characters', input: { name: 'a'.repeat(256) }, errors: [['INVALID', ['name']]] },
  {
    name: 'a NUL in the description',
    input: { description: 'a\0b' },
    errors: [['INVALID', ['description']]],
  },
  {
    name: 'a description of 10,001 characters',
    input: { description: 'a'.repeat(10_001) },
    errors: [['INVALID', ['description']]],
  },
  { name: 'keeping no version', input: { retainVersions: 0 }, errors: [['INVALID', ['retainVersions']]] },
  {
    name: 'an unknown remote',
    input: { remoteId: toGlobalId('Remote', 999_999) },
    errors: [['NOT_FOUND', ['remoteId']]],
  },
  {
    name: 'fault 91: an id of another type',
    input: { remoteId: toGlobalId('Repository', 1) },
    errors: [['NOT_FOUND', ['remoteId']]],
  },
  { name: 'a taken name', input: { name: 'taken/one' }, errors: [['ALREADY_EXISTS', ['name']]] },
  {
    name: 'all at once',
    input: { name: 'A', description: '\0', retainVersions: -1, remoteId: 'x' },
    errors: [
      ['INVALID', ['name']],
      ['INVALID', ['description']],
      ['INVALID', ['retainVersions']],
      ['NOT_FOUND', ['remoteId']],
    ],
  },
];

describe('invalid input', () => {
  let id: string;
  beforeAll(async () => {
    await create({ name: 'taken/one' });
    id = (await create({ name: 'taken/two', description: 'kept' })).repository.id;
  });

  test.each(mistakes)('$name, at create and at update', async ({ input, errors }) => {
    const [before] = await api.sql('select count(*) as count, max(updated_at) as updated from repository');
    const created = await create({ name: 'valid/name', ...input });
    const { data } = await api.graphql(
      'mutation ($input: RepositoryUpdateInput!) { repositoryUpdate(input: $input) { repository { id } userErrors { code field message } } }',
      { input: { id, ...input } },
    );
    for (const payload of [created, data.repositoryUpdate]) {
      expect(payload.repository).toBeNull();
      expect(
        payload.userErrors.map((error: { code: string; field: string[] }) => [error.code, error.field]),
      ).toEqual(errors);
    }
    expect(await api.sql('select count(*) as count, max(updated_at) as updated from repository')).toEqual([
      before,
    ]);
  });

  test('a name is not cleared', async () => {
    const { data } = await api.graphql(
      'mutation ($id: ID!) { repositoryUpdate(input: { id: $id, name: null }) { userErrors { code field } } }',
      { id },
    );
    expect(data.repositoryUpdate.userErrors).toEqual([{ code: 'INVALID', field: ['name'] }]);
  });

  test('eight callers that create one name at once: one does', async () => {
    const payloads = await Promise.all(Array.from({ length: 8 }, () => create({ name: 'raced/one' })));
    expect(payloads.filter(({ repository }) => repository !== null)).toHaveLength(1);
    expect(payloads.flatMap(({ userErrors }) => userErrors)).toHaveLength(7);
    expect(payloads.flatMap(({ userErrors }) => userErrors)[0]).toMatchObject({
      code: 'ALREADY_EXISTS',
      field: ['name'],
    });
  });
});

async function page(after: string | null) {
  const { data } = await api.graphql(
    'query ($after: String) { repositories(first: 2, after: $after, name: "list/*") { totalCount nodes { name } pageInfo { hasNextPage endCursor } } }',
    { after },
  );
  return data.repositories;
}

test('the list is in order of name, filtered by wildcard, paged by cursor', async () => {
  for (const name of ['list/b', 'list/a', 'list/c', 'other/a']) await create({ name });
  const first = await page(null);
  expect(first).toMatchObject({
    totalCount: 3,
    nodes: [{ name: 'list/a' }, { name: 'list/b' }],
    pageInfo: { hasNextPage: true },
  });
  expect(await page(first.pageInfo.endCursor)).toMatchObject({
    totalCount: 3,
    nodes: [{ name: 'list/c' }],
    pageInfo: { hasNextPage: false },
  });
});
