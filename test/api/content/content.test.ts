import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import {
  digestOf,
  insertBlob,
  insertManifest,
  insertMember,
  insertRepository,
  insertTag,
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

const tagRows = [
  { number: 1, change: 'PRESENT', names: ['a', 'b'] },
  { number: 1, change: 'ADDED', names: ['a', 'b'] },
  { number: 1, change: 'REMOVED', names: [] },
  { number: 2, change: 'PRESENT', names: ['b', 'c'] },
  { number: 2, change: 'ADDED', names: ['b', 'c'] },
  { number: 2, change: 'REMOVED', names: ['a', 'b'] },
  {
    number: 3,
    change: 'ADDED',
    names: ['v1.0', 'v1.1', 'v1.10', 'v1.11', 'v1.2', 'v1.3', 'v1.4', 'v1.5', 'v1.6', 'v1.7', 'v1.8', 'v1.9'],
  },
] as const;

describe("a version's content", () => {
  test.each(tagRows)('tags of version $number, $change', async ({ number, change, names }) => {
    const { tags } = await inVersion(
      number,
      `tags(first: 100, change: ${change}) { totalCount nodes { name } }`,
    );
    expect(tags).toEqual({ totalCount: names.length, nodes: names.map((name) => ({ name })) });
  });

  test('a moved tag is removed as it was and added as it is', async () => {
    const version = await inVersion(
      2,
      'was: tags(first: 9, change: REMOVED, name: "b") { nodes { digest } } is: tags(first: 9, change: ADDED, name: "b") { nodes { id digest } } tag(name: "b") { id digest }',
    );
    expect(version.was.nodes).toEqual([{ digest: digestOf('image') }]);
    expect(version.is.nodes).toEqual([
      { id: toGlobalId('Tag', repositoryId, 2, 'b'), digest: digestOf('index') },
    ]);
    expect(version.tag).toEqual(version.is.nodes[0]);
  });

  test('manifests and blobs by their ranges, with the counts of the version', async () => {
    const one = await inVersion(
      1,
      'manifests(first: 9) { totalCount nodes { digest } } blobs(first: 9) { totalCount nodes { digest sizeBytes isStored mediaType } }',
    );
    expect(one.manifests).toEqual({ totalCount: 1, nodes: [{ digest: digestOf('image') }] });
    expect(one.blobs).toEqual({
      totalCount: 3,
      nodes: [
        { digest: digestOf('config'), sizeBytes: 10, isStored: true, mediaType: 'application/config' },
        { digest: digestOf('layer'), sizeBytes: 1000, isStored: true, mediaType: 'application/layer' },
        { digest: digestOf('foreign'), sizeBytes: 77, isStored: false, mediaType: 'application/layer' },
      ],
    });
    const two = await inVersion(
      2,
      'manifests(first: 9, change: ADDED) { totalCount nodes { digest } } blobs(first: 9, change: ADDED) { totalCount nodes { digest } } signatures(first: 9) { totalCount nodes { name } }',
    );
    expect(two.manifests.nodes.map((node: { digest: string }) => node.digest)).toEqual([
      digestOf('other image'),
      digestOf('index'),
    ]);
    expect(two.blobs).toEqual({ totalCount: 0, nodes: [] });
    expect(two.signatures).toEqual({ totalCount: 0, nodes: [] });
  });

  test('an index: stored children in order, sizes of the whole, each blob once', async () => {
    const { tag } = await inVersion(
      2,
      'tag(name: "b") { manifest { sizeBytes totalSizeBytes raw manifests { digest totalSizeBytes blobs { digest } } blobs { digest } } }',
    );
    expect(tag.manifest).toEqual({
      sizeBytes: 5,
      totalSizeBytes: 5 + 10 + 1000 + 77,
      raw: 'index',
      blobs: [],
      manifests: [
        { digest: digestOf('other image'), totalSizeBytes: 11 + 10, blobs: [{ digest: digestOf('config') }] },
        {
          digest: digestOf('image'),
          totalSizeBytes: 5 + 10 + 1000 + 77,
          blobs: ['config', 'layer', 'layer', 'foreign'].map((name) => ({ digest: digestOf(name) })),
        },
      ],
    });
  });

  test.each([
    ['v1.?', ['v1.0', 'v1.1', 'v1.2', 'v1.3', 'v1.4', 'v1.5', 'v1.6', 'v1.7', 'v1.8', 'v1.9']],
    ['v1.1*', ['v1.1', 'v1.10', 'v1.11']],
    ['*[ac]', ['c']],
    ['v1.[!0-8]', ['v1.9']],
    ['v1.1', ['v1.1']],
    ['v1\\.1', ['v1.1']],
    ['.*', []],
    ['v1.1|c', []],
    ['ü*', []],
    ["'; drop table tag_membership; --", []],
  ])('the wildcard %s', async (name, names) => {
    const { data, errors } = await api.graphql(
      'query ($name: String!) { repository(name: "content/main") { version(number: 3) { tags(first: 100, name: $name) { totalCount nodes { name } } } } }',
      { name },
    );
    expect(errors).toBeUndefined();
    expect(data.repository.version.tags).toEqual({
      totalCount: names.length,
      nodes: names.map((tag) => ({ name: tag })),
    });
  });

  test('fault 86: pages by cursor see every tag once', async () => {
    const names: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 10; pages += 1) {
      const { data } = await api.graphql(
        'query ($after: String) { repository(name: "content/main") { version(number: 3) { tags(first: 5, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }',
        { after },
      );
      const { edges, pageInfo } = data.repository.version.tags;
      names.push(...edges.map((edge: { node: { name: string } }) => edge.node.name));
      expect(pageInfo).toMatchObject({
        hasPreviousPage: after !== null,
        startCursor: edges[0].cursor,
        endCursor: edges.at(-1).cursor,
      });
      after = pageInfo.endCursor;
      if (!pageInfo.hasNextPage) break;
    }
    expect(names).toHaveLength(14);
    expect(names).toEqual([...new Set(names)].sort());
  });
});

describe('node', () => {
  test('finds each kind by the id that it answers', async () => {
    const { tag, blobs, repository, id } = await inVersion(
      2,
      'id repository { id } tag(name: "b") { id manifest { id } } blobs(first: 1) { nodes { id } }',
    );
    for (const [typename, nodeId] of [
      ['Repository', repository.id],
      ['RepositoryVersion', id],
      ['Tag', tag.id],
      ['Manifest', tag.manifest.id],
      ['Blob', blobs.nodes[0].id],
    ]) {
      const { data } = await api.graphql('query ($id: ID!) { node(id: $id) { __typename id } }', {
        id: nodeId,
      });
      expect(data.node).toEqual({ __typename: typename, id: nodeId });
    }
  });

  test.each([
    '',
    'x',
    toGlobalId('Blob', 0),
    toGlobalId('Tag', 1, 1, 'a\0'),
    toGlobalId('Task', '9'.repeat(30)),
    toGlobalId('RepositoryVersion', 1, '9'.repeat(15)),
    'A'.repeat(5_000),
  ])('fault 91: the id %j finds nothing', async (id) => {
    const { data, errors } = await api.graphql('query ($id: ID!) { node(id: $id) { id } }', { id });
    expect(errors).toBeUndefined();
    expect(data.node).toBeNull();
  });
});
