import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertRepository } from '../../support/api/content.ts';
import { insertSample, readContent } from '../../support/api/sample-repository.ts';
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

function counts(tags: number, manifests: number, blobs: number) {
  return { tags, manifests, blobs };
}

describe('repositoryCopyContent', () => {
  test('copies all tags, untagged manifests and what is below them, and nothing a second time', async () => {
    const { key, repositoryId } = await copied();
    expect(await readContent(api, key)).toEqual(await readContent(api, source.repositoryId));
    const again = await change('repositoryCopyContent', { repositoryId, sourceVersionId: source.versionId });
    expect(again).toEqual({
      version: null,
      repository: { name: `copied/${made}`, latestVersion: { number: 1 } },
      userErrors: [],
    });
  });

  test('copies chosen tags, recursively', async () => {
    const key = await insertRepository(api, 'copied/chosen');
    const payload = await change('repositoryCopyContent', {
      repositoryId: toGlobalId('Repository', key),
      sourceVersionId: source.versionId,
      tags: ['list'],
    });
    expect(payload).toMatchObject({
      version: { number: 1, baseVersion: null, task: null, contentSummary: { added: counts(1, 3, 3) } },
      repository: { name: 'copied/chosen', latestVersion: { number: 1 } },
    });
    const { list, amd, arm } = source.digests;
    expect(await readContent(api, key)).toMatchObject({
      tags: { list },
      manifests: [list, amd, arm].sort(),
      roots: [],
    });
  });

  test('moves a tag of the same name; what it named stays, untagged', async () => {
    const other = await insertSample(api, 'source/two');
    const { key, repositoryId } = await copied();
    await change('repositoryCopyContent', { repositoryId, sourceVersionId: other.versionId, tags: ['list'] });
    const content = await readContent(api, key);
    expect(content.tags['list']).toBe(other.digests.list);
    expect(content.roots).toContain(`list ${source.digests.list}`);
    expect(content.manifests).toContain(source.digests.amd);
  });
});

describe('repositoryTag and repositoryUntag', () => {
  test('a tag is given, moved and taken away; the manifests stay', async () => {
    const { key, repositoryId } = await copied();
    const before = await readContent(api, key);
    const { arm, plain } = source.digests;
    const given = await change('repositoryTag', { repositoryId, tag: 'new', digest: arm });
    expect(given.version).toMatchObject({
      number: 2,
      contentSummary: { present: counts(4, 5, 5), added: counts(1, 0, 0), removed: counts(0, 0, 0) },
    });
    const moved = await change('repositoryTag', { repositoryId, tag: 'new', digest: plain });
    expect(moved.version.contentSummary).toMatchObject({ added: counts(1, 0, 0), removed: counts(1, 0, 0) });
    expect((await change('repositoryTag', { repositoryId, tag: 'new', digest: plain })).version).toBeNull();
    for (const tag of ['new', 'plain', 'also']) await change('repositoryUntag', { repositoryId, tag });
    const after = await readContent(api, key);
    expect(after.tags).toEqual({ list: source.digests.list });
    expect(after.manifests).toEqual(before.manifests);
    expect(after.blobs).toEqual(before.blobs);
    expect(await readContent(api, key, 1)).toEqual(before);
  });

  test('a tag that comes back needs no untagged root any more: removing it removes the manifest', async () => {
    const { key, repositoryId } = await copied();
    const { list, plain } = source.digests;
    await change('repositoryTag', { repositoryId, tag: 'list', digest: plain });
    await change('repositoryTag', { repositoryId, tag: 'list', digest: list });
    await change('repositoryRemoveContent', { repositoryId, tags: ['list'] });
    expect((await readContent(api, key)).manifests).not.toContain(list);
  });
});

describe('repositoryRemoveContent', () => {
  test('a tag goes with all that nothing else holds', async () => {
    const { key, repositoryId } = await copied();
    const payload = await change('repositoryRemoveContent', { repositoryId, tags: ['list', 'also'] });
    expect(payload.version.contentSummary).toEqual({
      present: counts(1, 2, 3),
      added: counts(0, 0, 0),
      removed: counts(2, 3, 2),
    });
    expect((await readContent(api, key)).tags).toEqual({ plain: source.digests.plain });
  });

  test('a manifest goes with all its tags, an untagged one too', async () => {
    const { key, repositoryId } = await copied();
    const { plain, loose, list } = source.digests;
    await change('repositoryRemoveContent', { repositoryId, digests: [plain, loose] });
    expect(await readContent(api, key)).toMatchObject({ tags: { list }, roots: [] });
  });

  test('a child of an index that stays is refused, with the index it goes', async () => {
    const { key, repositoryId } = await copied();
    const { amd, arm, list } = source.digests;
    const refused = await change('repositoryRemoveContent', { repositoryId, digests: [amd, arm] });
    expect(refused).toMatchObject({
      version: null,
      repository: null,
      userErrors: [
        { code: 'IN_USE', field: ['digests', '0'] },
        { code: 'IN_USE', field: ['digests', '1'] },
      ],
    });
    expect(refused.userErrors[0].message).toContain(list);
    expect((await readContent(api, key)).manifests).toContain(amd);
    await change('repositoryRemoveContent', { repositoryId, digests: [amd, list] });
    expect((await readContent(api, key)).manifests).not.toContain(amd);
  });
});

describe('repositoryRestoreVersion', () => {
  test('makes a version the latest content again, with its baseVersion', async () => {
    const { key, repositoryId, version } = await copied();
    const { list, plain } = source.digests;
    await change('repositoryTag', { repositoryId, tag: 'plain', digest: list });
    await change('repositoryUntag', { repositoryId, tag: 'also' });
    await change('repositoryRemoveContent', { repositoryId, tags: ['list'], digests: [plain] });
    const third = await readContent(api, key, 3);
    const first = await readContent(api, key, 1);
    const restored = await change('repositoryRestoreVersion', { versionId: version(1) });
    expect(restored.version).toMatchObject({ number: 5, baseVersion: { number: 1 } });
    expect(await readContent(api, key)).toEqual(first);
    expect((await change('repositoryRestoreVersion', { versionId: version(1) })).version).toBeNull();
    expect((await change('repositoryRestoreVersion', { versionId: version(3) })).version.number).toBe(6);
    expect(await readContent(api, key)).toEqual(third);
  });
});

describe('a mirror', () => {
  test('refuses all changes but a restoration, and says why', async () => {
    const { key, repositoryId, version } = await copied();
    await change('repositoryUntag', { repositoryId, tag: 'also' });
    await api.sql('update repository set is_mirrored = true where id = $1', [key]);
    const { plain } = source.digests;
    const inputs = [
      ['repositoryTag', { repositoryId, tag: 'x', digest: plain }],
      ['repositoryUntag', { repositoryId, tag: 'plain' }],
      ['repositoryCopyContent', { repositoryId, sourceVersionId: source.versionId }],
      ['repositoryRemoveContent', { repositoryId, tags: ['plain'] }],
    ] as const;
    for (const [mutation, input] of inputs) {
      const payload = await change(mutation, input);
      expect(payload).toMatchObject({
        version: null,
        repository: null,
        userErrors: [{ code: 'REPOSITORY_IS_MIRRORED', field: ['repositoryId'] }],
      });
      expect(payload.userErrors[0].message).toMatch(
        /syncs only.*repositoryRestoreVersion.*distributionPoint/,
      );
    }
    expect((await change('repositoryRestoreVersion', { versionId: version(1) })).version.number).toBe(3);
  });
});

describe('fault 97: serialised per repository', () => {
  test('twelve changes at once: each a version of its own, numbered without a gap', async () => {
    const { key, repositoryId } = await copied();
    const payloads = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        change('repositoryTag', { repositoryId, tag: `t${index}`, digest: source.digests.plain }),
      ),
    );
    const numbers = payloads.map(({ version }) => Number(version.number)).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
    expect(Object.keys((await readContent(api, key)).tags)).toHaveLength(15);
  });
});
