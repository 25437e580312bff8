import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import {
  insertBlob,
  insertManifest,
  insertMember,
  insertRepository,
  insertTag,
  insertTask,
  insertVersion,
} from '../../support/api/content.ts';

let api: ApiUnderTest;
let repositoryId: number;

/*
 * Version 1: tags a → image, b → image. Version 2: b moved to the index, c added, a removed. Version 3: nothing but v1.0 … v1.11.
 */
beforeAll(async () => {
  api = await startApi();
  repositoryId = await insertRepository(api, 'content/main');
  const config = await insertBlob(api, 'config', 10);
  const layer = await insertBlob(api, 'layer', 1_000);
  const foreign = await insertBlob(api, 'foreign', null);
  const image = await insertManifest(api, {
    name: 'image',
    blobs: [
      [config, 10],
      [layer, 1_000],
      [layer, 1_000],
      [foreign, 77],
    ],
  });
  const other = await insertManifest(api, { name: 'other image', blobs: [[config, 10]] });
  const missing = await insertManifest(api, { name: 'missing', isStored: false });
  const index = await insertManifest(api, { name: 'index', children: [other, missing, image] });
  await insertVersion(api, repositoryId, 1, {
    present: { tags: 2, manifests: 1, blobs: 3 },
    added: { tags: 2, manifests: 1, blobs: 3 },
  });
  await insertVersion(api, repositoryId, 2, {
    present: { tags: 2, manifests: 3, blobs: 3 },
    added: { tags: 2, manifests: 2 },
    removed: { tags: 2 },
  });
  await insertVersion(api, repositoryId, 3, {
    present: { tags: 14, manifests: 3, blobs: 3 },
    added: { tags: 12 },
  });
  await insertTag(api, { repositoryId, addedIn: 1, removedIn: 2 }, 'a', image);
  await insertTag(api, { repositoryId, addedIn: 1, removedIn: 2 }, 'b', image);
  await insertTag(api, { repositoryId, addedIn: 2 }, 'b', index);
  await insertTag(api, { repositoryId, addedIn: 2 }, 'c', image);
  for (let minor = 0; minor < 12; minor += 1)
    await insertTag(api, { repositoryId, addedIn: 3 }, `v1.${minor}`, image);
  for (const id of [config, layer, foreign])
    await insertMember(api, { repositoryId, addedIn: 1 }, 'blob', id);
  await insertMember(api, { repositoryId, addedIn: 1 }, 'manifest', image);
  for (const id of [other, index]) await insertMember(api, { repositoryId, addedIn: 2 }, 'manifest', id);
});
afterAll(() => api.close());

async function inVersion(number: number, selection: string) {
  const { data, errors } = await api.graphql(
    `query ($number: Int!) { repository(name: "content/main") { version(number: $number) { ${selection} } } }`,
    { number },
  );
  expect(errors).toBeUndefined();
  return data.repository.version;
}

describe('fault 86: arguments that cannot be used are BAD_USER_INPUT', () => {
  test.each([
    'repositories(first: 0) { totalCount }',
    'repositories(first: -1) { totalCount }',
    'repositories(first: 101) { totalCount }',
    'repositories(first: 1000000000) { totalCount }',
    'repositories(first: 1, after: "nonsense") { totalCount }',
    'repositories(first: 1, name: "[") { totalCount }',
    `tasks(first: 1, after: "${Buffer.from('repositories:a').toString('base64url')}") { totalCount }`,
    `tasks(first: 1, after: "${Buffer.from('tasks:x').toString('base64url')}") { totalCount }`,
    'repository { name }',
    'repository(id: "x", name: "y") { name }',
    'repository(name: "content/main") { versions(first: 0) { totalCount } }',
  ])('%s', async (selection) => {
    const { errors } = await api.graphql(`{ ${selection} }`);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringMatching(/expected|:/),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});

const nested = (first: number): string => `{
    repositories(first: ${first}, name: "many/*") {
      totalCount
      nodes {
        remote { name } latestVersion { number }
        tasks(first: 3) { totalCount nodes { warnings rateLimited progress { stage } plan { tagsAdded } createdVersion { number } } }
        versions(first: 3) {
          totalCount
          nodes {
            task { id } repository { name } tag(name: "two") { digest }
            tags(first: 3, name: "t*") { totalCount nodes { manifest { totalSizeBytes raw blobs { digest } manifests { digest } } } }
            manifests(first: 3) { totalCount nodes { digest } }
            blobs(first: 3) { totalCount nodes { digest } }
          }
        }
      }
    }
  }`;

const countNested = (first: number): Promise<number> =>
  api.countStatements(async () => {
    const { data, errors } = await api.graphql(nested(first));
    expect(errors).toBeUndefined();
    expect(data.repositories.nodes).toHaveLength(first);
    expect(data.repositories.totalCount).toBe(30);
    expect(data.repositories.nodes.at(-1).versions.nodes[0].tags.nodes[0].manifest.blobs).toHaveLength(1);
  });
const countTags = (selection: string): Promise<number> =>
  api.countStatements(() => inVersion(3, `tags(first: 2) { ${selection} nodes { name } }`));
describe('fault 86: the count of statements does not grow with the page', () => {
  beforeAll(async () => {
    const blob = await insertBlob(api, 'n+1 blob', 1);
    for (let place = 0; place < 30; place += 1) {
      const id = await insertRepository(api, `many/r${place}`);
      const manifestId = await insertManifest(api, { name: `many ${place}`, blobs: [[blob, 1]] });
      for (let number = 1; number <= 3; number += 1)
        await insertVersion(api, id, number, { present: { tags: 2 } });
      await insertTag(api, { repositoryId: id, addedIn: 1 }, 'one', manifestId);
      await insertTag(api, { repositoryId: id, addedIn: 2 }, 'two', manifestId);
      await insertMember(api, { repositoryId: id, addedIn: 1 }, 'manifest', manifestId);
      await insertMember(api, { repositoryId: id, addedIn: 1 }, 'blob', blob);
      const taskId = await insertTask(api, id, 'COMPLETED');
      await api.sql("insert into task_warning values ($1, 1, 'a warning')", [taskId]);
    }
  });

  test('repositories with their versions, tags, manifests, blobs and tasks', async () => {
    const few = await countNested(2);
    expect(few).toBeLessThan(40);
    expect(await countNested(30)).toBe(few);
  });

  test('totalCount of content costs no statement', async () => {
    expect(await countTags('totalCount')).toBe(await countTags(''));
  });
});
