import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from './support/api-server.ts';
import type { ApiUnderTest } from './support/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const createMutation = /* GraphQL */ `
  mutation ($input: RepositoryCreateInput!) {
    repositoryCreate(input: $input) {
      repository {
        id
        name
        description
        isMirrored
        retainVersions
        createdAt
        updatedAt
        latestVersion {
          number
        }
        remote {
          name
        }
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;

async function create(input: object) {
  const { data, errors } = await api.graphql(createMutation, { input });
  expect(errors).toBeUndefined();
  return data.repositoryCreate;
}

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
