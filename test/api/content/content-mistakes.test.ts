import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { digestOf, insertRepository } from '../../support/api/content.ts';
import { insertSample } from '../../support/api/sample-repository.ts';
import type { SampleContent } from '../../support/api/sample-repository.ts';

let api: ApiUnderTest;
let source: SampleContent;
beforeAll(async () => {
  api = await startApi();
  source = await insertSample(api, 'source/one', 'source');
});
afterAll(() => api.close());

type Mutation = `repository${'Tag' | 'Untag' | 'CopyContent' | 'RemoveContent' | 'RestoreVersion'}`;

const change = (mutation: Mutation, input: object) =>
  api.mutate(
    mutation,
    input,
    `version { id number baseVersion { number } task { id } contentSummary { present { tags manifests blobs } added { tags manifests blobs } removed { tags manifests blobs } } }
      repository { name latestVersion { number } }`,
  );

let made = 0;

/** A repository with all of the source's content, as its version 1. */
async function copied() {
  made += 1;
  const key = await insertRepository(api, `copied/${made}`);
  const repositoryId = toGlobalId('Repository', key);
  const payload = await change('repositoryCopyContent', { repositoryId, sourceVersionId: source.versionId });
  expect(payload.userErrors).toEqual([]);
  return { key, repositoryId, version: (number: number) => toGlobalId('RepositoryVersion', key, number) };
}

describe('mistakes, all at once', () => {
  const nowhere = toGlobalId('Repository', 999_999);
  const absent = digestOf('absent');
  const rows: readonly {
    readonly name: string;
    readonly mutation: Mutation;
    readonly input: object;
    readonly errors: readonly (readonly [code: string, field: string])[];
  }[] = [
    {
      name: 'no repository, no tag, no digest',
      mutation: 'repositoryTag',
      input: { repositoryId: nowhere, tag: '../x', digest: 'sha256:1' },
      errors: [
        ['NOT_FOUND', 'repositoryId'],
        ['INVALID', 'tag'],
        ['INVALID', 'digest'],
      ],
    },
    {
      name: 'fault 91: an id of another type',
      mutation: 'repositoryUntag',
      input: { repositoryId: toGlobalId('Remote', 1), tag: 'a\0b' },
      errors: [
        ['NOT_FOUND', 'repositoryId'],
        ['INVALID', 'tag'],
      ],
    },
    {
      name: 'a manifest that is not in the repository',
      mutation: 'repositoryTag',
      input: { tag: 'x', digest: absent },
      errors: [['NOT_FOUND', 'digest']],
    },
    {
      name: 'a tag that is not there',
      mutation: 'repositoryUntag',
      input: { tag: 'absent' },
      errors: [['NOT_FOUND', 'tag']],
    },
    {
      name: 'tags and digests to remove',
      mutation: 'repositoryRemoveContent',
      input: { tags: ['plain', 'absent', '-'], digests: [absent, 'x'] },
      errors: [
        ['INVALID', 'tags.2'],
        ['INVALID', 'digests.1'],
        ['NOT_FOUND', 'tags.1'],
        ['NOT_FOUND', 'digests.0'],
      ],
    },
    {
      name: 'more tags than a change takes',
      mutation: 'repositoryRemoveContent',
      input: { tags: Array.from({ length: 1_001 }, () => 'plain') },
      errors: [['INVALID', 'tags']],
    },
    {
      name: 'no version to copy from',
      mutation: 'repositoryCopyContent',
      input: { sourceVersionId: toGlobalId('RepositoryVersion', 1, 2_147_483_648), tags: ['\0'] },
      errors: [
        ['INVALID', 'tags.0'],
        ['NOT_FOUND', 'sourceVersionId'],
      ],
    },
    {
      name: 'no such version to restore',
      mutation: 'repositoryRestoreVersion',
      input: { versionId: toGlobalId('RepositoryVersion', 1, 77) },
      errors: [['NOT_FOUND', 'versionId']],
    },
    {
      name: 'no version at all to restore',
      mutation: 'repositoryRestoreVersion',
      input: { versionId: 'x' },
      errors: [['NOT_FOUND', 'versionId']],
    },
  ];

  test.each(rows)('$name', async ({ mutation, input, errors }) => {
    const { key, repositoryId } = await copied();
    const needsRepository = mutation !== 'repositoryRestoreVersion';
    const payload = await change(mutation, { ...(needsRepository ? { repositoryId } : {}), ...input });
    expect(payload).toMatchObject({ version: null, repository: null });
    expect(
      payload.userErrors.map(({ code, field }: { code: string; field: string[] }) => [code, field.join('.')]),
    ).toEqual(errors);
    expect(
      await api.sql('select max(number) as latest from repository_version where repository_id = $1', [key]),
    ).toEqual([{ latest: 1 }]);
  });
});
