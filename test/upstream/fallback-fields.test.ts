/** Fallbacks in the API, in mirror rules and in configurations. Nothing is asked of an upstream. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { fixture } from '../support/upstream/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  for (const table of ['mirror_rule', 'remote', 'credential', 'configured_thing'])
    await api.sql(`delete from ${table}`);
});

const fields = 'fallbacks { url upstreamName proxyUrl sslCaCertificate sslValidation credential { name } }';
const plain = {
  upstreamName: null,
  proxyUrl: null,
  sslCaCertificate: null,
  sslValidation: true,
  credential: null,
};
const hub = { name: 'hub', kind: 'STATIC', username: 'me' };

const create = (input: object) =>
  api.mutate(
    'remoteCreate',
    { name: 'app', url: 'https://registry.example', upstreamName: 'team/app', ...input },
    `remote { id ${fields} }`,
  );
const update = (input: object) => api.mutate('remoteUpdate', input, `remote { ${fields} }`);
const createCredential = async (more: object = {}): Promise<string> => {
  const input = { ...hub, password: testSecret('hub-password'), ...more };
  const { credential } = await api.mutate('credentialCreate', input, 'credential { id }');
  return credential.id as string;
};

const apply = (configuration: object) =>
  api.mutate(
    'configurationApply',
    { configuration: { name: 'test', ...configuration } },
    'changes { action kind name fields { field from to } }',
  );

const exported = async (section: string) => {
  const { configuration } = await api.data(
    `query ($section: ConfigurationSection!) { configuration(section: $section, first: 10) { nodes { value } } }`,
    { section },
  );
  return (configuration as { nodes: { value: Record<string, unknown> }[] }).nodes.map(({ value }) => value);
};

test('a remote has fallbacks in canonical form, until the list is replaced or cleared', async () => {
  const credentialId = await createCredential();
  const ca = fixture('ca.pem');
  const { remote, userErrors } = await create({
    fallbacks: [
      { url: 'https://Mirror.example/v2/' },
      { url: 'https://docker.io', upstreamName: 'app' },
      {
        url: 'https://other.example',
        upstreamName: 'x/y',
        credentialId,
        proxyUrl: 'http://proxy.example:3128',
      },
      { url: 'https://last.example', sslCaCertificate: ca, sslValidation: false },
    ],
  });
  expect(userErrors).toEqual([]);
  expect(remote.fallbacks).toEqual([
    { ...plain, url: 'https://mirror.example' },
    { ...plain, url: 'https://registry-1.docker.io', upstreamName: 'library/app' },
    {
      ...plain,
      url: 'https://other.example',
      upstreamName: 'x/y',
      proxyUrl: 'http://proxy.example:3128',
      credential: { name: 'hub' },
    },
    { ...plain, url: 'https://last.example', sslCaCertificate: ca, sslValidation: false },
  ]);
  const { id } = remote;
  expect((await update({ id, policy: 'ON_DEMAND' })).remote.fallbacks).toHaveLength(4);
  expect((await update({ id, fallbacks: null })).remote.fallbacks).toEqual([]);
});

test.each<[object[], string[], string]>([
  [[{ url: 'ftp://a.example' }], ['0', 'url'], 'http'],
  [[{ url: 'https://me:pw@a.example' }], ['0', 'url'], 'user name or password'],
  [[{ url: 'https://169.254.169.254' }], ['0', 'url'], 'metadata'],
  [[{ url: 'https://a.example', upstreamName: 'UP' }], ['0', 'upstreamName'], '"UP"'],
  [[{ url: 'https://a.example', proxyUrl: 'http://u:p@proxy.example' }], ['0', 'proxyUrl'], 'expected none'],
  [[{ url: 'https://a.example', sslCaCertificate: 'no' }], ['0', 'sslCaCertificate'], 'PEM'],
  [[{ url: 'https://a.example' }, { url: 'https://a.example/', upstreamName: 'team/app' }], ['1'], 'once'],
  [[{ url: 'https://registry.example' }], ['0'], 'once'],
  [Array.from({ length: 11 }, (_, n) => ({ url: `https://r${n}.example` })), [], 'at most 10'],
])('%j is refused at %j', async (fallbacks, field, part) => {
  const { remote, userErrors } = await create({ fallbacks });
  expect(remote).toBe(null);
  const message = expect.stringContaining(part) as string;
  expect(userErrors).toEqual([{ code: 'INVALID', field: ['fallbacks', ...field], message }]);
});

test('the credential of a fallback must be there, may be sent to its hosts only, and is in use', async () => {
  const credentialId = await createCredential({ hosts: ['mirror.example'] });
  const missing = await create({
    fallbacks: [{ url: 'https://mirror.example', credentialId: 'Q3JlZGVudGlhbDo5' }],
  });
  expect(missing.userErrors).toMatchObject([{ field: ['fallbacks', '0', 'credentialId'] }]);
  const foreign = await create({ fallbacks: [{ url: 'https://foreign.example', credentialId }] });
  expect(foreign.userErrors).toMatchObject([
    {
      code: 'INVALID',
      field: ['fallbacks', '0', 'credentialId'],
      message: expect.stringContaining('may not be sent') as string,
    },
  ]);
  const { remote } = await create({ fallbacks: [{ url: 'https://mirror.example', credentialId }] });
  const rule = {
    name: 'rule',
    url: 'https://registry.example',
    fallbacks: [{ url: 'https://mirror.example', credentialId }],
  };
  const { mirrorRule } = await api.mutate('mirrorRuleCreate', rule, `mirrorRule { id ${fields} }`);
  expect(mirrorRule.fallbacks).toEqual([
    { ...plain, url: 'https://mirror.example', credential: { name: 'hub' } },
  ]);
  const remove = () => api.mutate('credentialDelete', { id: credentialId }, 'deletedId');
  const [refused] = (await remove()).userErrors as { code: string; message: string }[];
  expect(refused).toMatchObject({ code: 'IN_USE' });
  expect(refused?.message).toMatch(/"app", "rule"/);
  await update({ id: remote.id, fallbacks: [] });
  expect((await remove()).userErrors).toMatchObject([{ code: 'IN_USE' }]);
  await api.mutate('mirrorRuleUpdate', { id: mirrorRule.id, fallbacks: null }, 'mirrorRule { id }');
  expect(await remove()).toMatchObject({ deletedId: credentialId });
});

test('a rule gives its fallbacks no names', async () => {
  const fallbacks = [{ url: 'https://mirror.example', upstreamName: 'team/app' }];
  const wish = { name: 'rule', url: 'https://registry.example', fallbacks };
  const { userErrors } = await api.mutate('mirrorRuleCreate', wish, 'mirrorRule { id }');
  expect(userErrors).toMatchObject([{ code: 'INVALID', field: ['fallbacks', '0', 'upstreamName'] }]);
});

test('a configuration names the credentials of fallbacks, and an export of them changes nothing', async () => {
  const fallbacks = [
    { url: 'https://mirror.example/', credential: 'hub' },
    { url: 'https://other.example', upstreamName: 'x/y', sslValidation: false },
  ];
  const state = {
    credentials: [{ ...hub, password: testSecret('hub-password') }],
    remotes: [{ name: 'app', url: 'https://registry.example', upstreamName: 'team/app', fallbacks }],
    mirrorRules: [{ name: 'rule', url: 'https://registry.example', fallbacks: [fallbacks[0]] }],
  };
  const missing = await apply({ ...state, credentials: [] });
  expect(missing.userErrors).toMatchObject([
    { code: 'NOT_FOUND', field: ['configuration', 'remotes', '0', 'fallbacks', '0', 'credential'] },
    { code: 'NOT_FOUND', field: ['configuration', 'mirrorRules', '0', 'fallbacks', '0', 'credential'] },
  ]);
  expect((await apply(state)).userErrors).toEqual([]);
  expect(await apply(state)).toEqual({ changes: [], userErrors: [] });
  const [remote] = await exported('REMOTE');
  expect(remote?.['fallbacks']).toEqual([
    { url: 'https://mirror.example', credential: 'hub' },
    { url: 'https://other.example', upstreamName: 'x/y', sslValidation: false },
  ]);
  const again = { remotes: [remote], mirrorRules: await exported('MIRROR_RULE') };
  expect(await apply(again)).toEqual({ changes: [], userErrors: [] });
  const { changes } = await apply({ remotes: [{ ...remote, fallbacks: null }] });
  expect(changes).toMatchObject([
    { action: 'UPDATE', name: 'app', fields: [{ field: 'fallbacks', to: null }] },
  ]);
});
