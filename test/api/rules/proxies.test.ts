/** Proxies over the API and in configurations. Nothing is pulled through them. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { publicKey } from '../../access/support/scene.ts';
import { testSecret } from '../../support/test-secret.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());
beforeEach(async () => {
  for (const table of ['proxy', 'signature_policy', 'credential', 'configured_thing'])
    await api.sql(`delete from ${table}`);
});

const url = 'https://registry.example';

const updateBytes = 'mutation ($input: ProxyUpdateInput!) { proxyUpdate(input: $input) { proxy { id } } }';

async function create(wish: object = {}) {
  return api.mutate('proxyCreate', { basePath: 'hub', url, ...wish }, 'proxy { id basePath url namespaces }');
}

test.each([
  [{ basePath: 'Upper' }, ['basePath'], '"Upper"'],
  [{ url: 'ftp://registry.example' }, ['url'], 'http'],
  [{ namespaces: ['docker.io', 'https://quay.io'] }, ['namespaces', '1'], '"https://quay.io"'],
  [{ namespaces: ['Docker.io'] }, ['namespaces', '0'], 'lower case'],
  [{ namespaces: ['a:5000', 'a:5000'] }, ['namespaces', '1'], 'twice'],
  [{ includeRepositories: ['a', '{b'] }, ['includeRepositories', '1'], 'no }'],
  [{ excludeRepositories: [''] }, ['excludeRepositories', '0'], 'empty'],
  [{ repositoriesAtMost: 0 }, ['repositoriesAtMost'], '1 to 100000'],
  [{ tagTtlSeconds: -1 }, ['tagTtlSeconds'], '-1'],
  [{ cacheBytes: 0 }, ['cacheBytes'], '1 to 9007199254740991'],
  [{ includeTags: ['[a'] }, ['includeTags', '0'], '[a'],
  [
    { fallbacks: [{ url: 'https://a.example', upstreamName: 'a' }] },
    ['fallbacks', '0', 'upstreamName'],
    'many',
  ],
])('%j is refused at %j', async (wish, field, part) => {
  const { proxy, userErrors } = await create(wish);
  expect(proxy).toBeNull();
  expect(userErrors).toEqual([{ code: 'INVALID', field, message: expect.stringContaining(part) as string }]);
});

test('a proxy is created, read, listed, changed and deleted; a namespace belongs to one', async () => {
  const { proxy } = await create({ url: `${url}/v2/`, namespaces: ['registry.example', 'a:443'] });
  expect(proxy).toMatchObject({ basePath: 'hub', url, namespaces: ['registry.example', 'a:443'] });
  const { id } = proxy;
  expect((await create()).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS', field: ['basePath'] }]);
  const taken = await create({ basePath: 'other', namespaces: ['a:443'] });
  expect(taken.userErrors).toMatchObject([{ code: 'ALREADY_EXISTS', field: ['namespaces'] }]);
  const fields =
    'basePath includeRepositories repositoriesAtMost tagTtlSeconds notFoundTtlSeconds private policy namespaces repositoryCount cacheBytes cachedBytes viewerCan';
  const changes = {
    id,
    basePath: 'renamed',
    tagTtlSeconds: 0,
    namespaces: ['a:443'],
    private: false,
    cacheBytes: 2 ** 40,
  };
  expect(await api.mutate('proxyUpdate', changes, `proxy { ${fields} }`)).toEqual({
    userErrors: [],
    proxy: {
      basePath: 'renamed',
      includeRepositories: [],
      repositoriesAtMost: 1_000,
      tagTtlSeconds: 0,
      notFoundTtlSeconds: 60,
      private: false,
      policy: 'ON_DEMAND',
      namespaces: ['a:443'],
      repositoryCount: 0,
      cacheBytes: 2 ** 40,
      cachedBytes: 0,
      viewerCan: ['READER', 'PUSHER', 'MAINTAINER', 'ADMIN'],
    },
  });
  const kept = { id, policy: null, repositoriesAtMost: null };
  expect((await api.mutate('proxyUpdate', kept, 'proxy { id }')).userErrors).toMatchObject([
    { field: ['policy'] },
    { field: ['repositoriesAtMost'] },
  ]);
  const noLimit = await api.mutate('proxyUpdate', { id, cacheBytes: null }, 'proxy { cacheBytes }');
  expect(noLimit.proxy).toEqual({ cacheBytes: null });
  for (const cacheBytes of [-1, 1.5, '1GiB'])
    expect((await api.graphql(updateBytes, { input: { id, cacheBytes } })).errors?.[0]?.message).toContain(
      'got an invalid value',
    );
  const read = await api.data(
    `query ($id: ID!) { proxy(basePath: "renamed") { id } proxies(first: 5) { totalCount nodes { basePath } }
      node(id: $id) { id } repositories(first: 1, proxyId: $id) { totalCount } }`,
    { id },
  );
  expect(read).toEqual({
    proxy: { id },
    proxies: { totalCount: 1, nodes: [{ basePath: 'renamed' }] },
    node: { id },
    repositories: { totalCount: 0 },
  });
  expect(await api.mutate('proxyDelete', { id }, 'deletedId')).toEqual({ deletedId: id, userErrors: [] });
});

test('callers at once do not share a namespace', async () => {
  const basePaths = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  // so that the pool has a connection for each of them
  await Promise.all(basePaths.map(() => api.database.em.fork().execute('select pg_sleep(0.05)')));
  const made = await Promise.all(
    basePaths.map((basePath) => create({ basePath, namespaces: ['docker.io'] })),
  );
  expect(made.filter(({ proxy }) => proxy !== null)).toHaveLength(1);
});

test('secrets are sealed, and another url deletes them; policy and credential stay as long as the proxy', async () => {
  const hub = { name: 'hub', kind: 'STATIC', hosts: ['registry.example'], username: 'me' };
  const { credential } = await api.mutate(
    'credentialCreate',
    { ...hub, password: testSecret('proxy credential') },
    'credential { id }',
  );
  const { signaturePolicy } = await api.mutate(
    'signaturePolicyCreate',
    { name: 'ours', keys: [publicKey] },
    'signaturePolicy { id }',
  );
  const references = { credentialId: credential.id, signaturePolicyId: signaturePolicy.id };
  const both = await create({ ...references, username: 'robot' });
  expect(both.userErrors).toMatchObject([{ field: ['credentialId'] }]);
  await create(references);
  for (const [mutation, id, noun] of [
    ['signaturePolicyDelete', signaturePolicy.id, 'proxy'],
    ['credentialDelete', credential.id, 'proxies'],
  ] as const)
    expect((await api.mutate(mutation, { id }, 'deletedId')).userErrors[0]).toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining(noun) as string,
    });
  const login = { username: 'robot', password: testSecret('proxy password') };
  const { proxy } = await create({ basePath: 'own', ...login });
  const sealed = async () =>
    (await api.sql("select secrets_sealed from proxy where name = 'own'"))[0]?.['secrets_sealed'];
  await api.mutate('proxyUpdate', { id: proxy.id, repositoriesAtMost: 5 });
  expect(typeof (await sealed())).toBe('string');
  await api.mutate('proxyUpdate', { id: proxy.id, url: 'https://elsewhere.example' });
  expect(await sealed()).toBeNull();
});

async function apply(proxies: object[], options: object = {}) {
  const input = { configuration: { name: 'test', proxies }, ...options };
  const { changes, userErrors } = await api.mutate(
    'configurationApply',
    input,
    'changes { action kind name fields { field } }',
  );
  expect(userErrors).toEqual([]);
  return (changes as { action: string; kind: string; name: string; fields: { field: string }[] }[]).map(
    ({ action, kind, name, fields }) => [
      `${action} ${kind} ${name}`,
      fields.map(({ field }) => field).sort(),
    ],
  );
}

test('in a configuration, a proxy is created once, changed by field, exported, and pruned', async () => {
  const configured = {
    basePath: 'quay.io',
    url: 'https://quay.io/',
    namespaces: ['quay.io'],
    includeRepositories: ['team/**'],
    username: 'robot',
    password: testSecret('configured proxy'),
    tagTtlSeconds: 60,
    cacheBytes: 200 * 2 ** 30,
  };
  expect(await apply([configured])).toEqual([
    [
      'CREATE PROXY quay.io',
      ['cacheBytes', 'includeRepositories', 'namespaces', 'password', 'tagTtlSeconds', 'url', 'username'],
    ],
  ]);
  expect(await apply([configured])).toEqual([]);
  const changed = { ...configured, includeRepositories: null, private: true, policy: 'IMMEDIATE' };
  expect(await apply([changed])).toEqual([
    ['UPDATE PROXY quay.io', ['includeRepositories', 'policy', 'private']],
  ]);
  expect(await apply([changed])).toEqual([]);
  const exported = await api.data(
    'query { configuration(section: PROXY, first: 5) { nodes { name value secrets } } }',
  );
  expect(exported.configuration.nodes).toEqual([
    {
      name: 'quay.io',
      secrets: ['password'],
      value: {
        basePath: 'quay.io',
        url: 'https://quay.io',
        namespaces: ['quay.io'],
        username: 'robot',
        policy: 'IMMEDIATE',
        private: true,
        tagTtlSeconds: 60,
        cacheBytes: 200 * 2 ** 30,
      },
    },
  ]);
  expect(await apply([], { prune: true })).toEqual([['DELETE PROXY quay.io', []]]);
});
