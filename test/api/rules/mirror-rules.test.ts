/** Mirror rules over the API and in configurations. No worker takes their runs. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { publicKey } from '../../access/support/scene.ts';
import { testSecret } from '../../support/test-secret.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  await api.sql(`alter table mirror_rule alter column id restart with ${randomInt(1, 2 ** 40)}`);
});
afterAll(() => api?.close());
beforeEach(async () => {
  for (const table of ['task', 'mirror_rule', 'signature_policy', 'credential', 'configured_thing'])
    await api.sql(`delete from ${table}`);
});

const url = 'https://registry.example';

async function create(wish: object = {}) {
  return api.mutate('mirrorRuleCreate', { name: 'rule', url, ...wish }, 'mirrorRule { id name url }');
}

test.each([
  [{ discovery: 'ECR' }, ['credentialId'], 'of the kind ECR'],
  [{ discovery: 'GITLAB' }, ['includeRepositories'], 'begin with one'],
  [{ discovery: 'GOOGLE', includeRepositories: ['**'] }, ['includeRepositories'], 'begin with one'],
  [{ discovery: 'LIST' }, ['repositories'], 'needs the names'],
  [{ discovery: 'QUAY' }, ['includeRepositories'], 'begin with one'],
  [{ discovery: 'DOCKER_HUB', includeRepositories: ['*/a'] }, ['includeRepositories'], 'begin with one'],
  [{ repositories: ['a'] }, ['repositories'], 'is for discovery LIST'],
  [{ discovery: 'LIST', repositories: ['a', '../b'] }, ['repositories', '1'], '"../b"'],
  [{ includeRepositories: ['a', '{b'] }, ['includeRepositories', '1'], 'no }'],
  [{ excludeRepositories: [''] }, ['excludeRepositories', '0'], 'empty'],
  [{ targetPrefix: 'Upper' }, ['targetPrefix'], '"Upper"'],
  [{ repositoriesAtMost: 0 }, ['repositoriesAtMost'], '1 to 100000'],
  [{ cron: '@daily', intervalSeconds: 60 }, ['cron'], 'one of them'],
  [{ cron: 'often' }, ['cron'], '"often"'],
  [{ url: 'ftp://registry.example' }, ['url'], 'http'],
  [{ includeTags: ['[a'] }, ['includeTags', '0'], '[a'],
])('%j is refused at %j', async (wish, field, part) => {
  const { mirrorRule, userErrors } = await create(wish);
  expect(mirrorRule).toBeNull();
  expect(userErrors).toEqual([{ code: 'INVALID', field, message: expect.stringContaining(part) as string }]);
});

test('a rule tells the settings of its remotes, and no secret', async () => {
  const password = testSecret('proxy');
  const { signaturePolicy } = await api.mutate(
    'signaturePolicyCreate',
    { name: 'signed', keys: [publicKey] },
    'signaturePolicy { id }',
  );
  const given = {
    includeTagPatterns: ['v.*'],
    semverRanges: ['>=1'],
    newestTags: { count: 3, order: 'SEMVER', per: 'MINOR' },
    platforms: ['linux/amd64'],
    tagFailures: 'FAIL_SYNC',
    syncWindows: ['Sat-Sun'],
    reserveRequests: 5,
    sslValidation: false,
    maxRetries: 1,
  };
  const fields = `includeTagPatterns semverRanges newestTags { count order per } platforms tagFailures syncWindows reserveRequests
    sslValidation maxRetries downloadConcurrency realmHosts proxyUrl signaturePolicy { name }`;
  const { mirrorRule } = await api.mutate(
    'mirrorRuleCreate',
    {
      ...given,
      name: 'rule',
      url,
      proxyUrl: `http://user:${password}@proxy.example:3128`,
      signaturePolicyId: signaturePolicy.id,
    },
    `mirrorRule { id ${fields} }`,
  );
  const told = { downloadConcurrency: 20, realmHosts: [], proxyUrl: 'http://proxy.example:3128' };
  expect(mirrorRule).toMatchObject({ ...given, ...told, signaturePolicy: { name: 'signed' } });
  const changes = { id: mirrorRule.id, proxyUrl: null, semverRanges: null, signaturePolicyId: null };
  const after = await api.mutate('mirrorRuleUpdate', changes, `mirrorRule { ${fields} }`);
  expect(after.mirrorRule).toMatchObject({
    platforms: given.platforms,
    proxyUrl: null,
    semverRanges: null,
    signaturePolicy: null,
  });
});

test('a rule is created, read by name, listed, changed and deleted', async () => {
  const { mirrorRule } = await create({ url: `${url}/`, includeRepositories: ['a/**'] });
  expect(mirrorRule).toMatchObject({ name: 'rule', url });
  expect((await create()).userErrors[0]).toMatchObject({ code: 'ALREADY_EXISTS', field: ['name'] });
  const { id } = mirrorRule;
  const fields = `name includeRepositories repositoriesAtMost intervalSeconds cron policy mirror repositoryCount lastRun { id } viewerCan`;
  const changed = await api.mutate(
    'mirrorRuleUpdate',
    {
      id,
      name: 'renamed',
      includeRepositories: null,
      repositoriesAtMost: 7,
      policy: 'ON_DEMAND',
      cron: '@daily',
    },
    `mirrorRule { ${fields} }`,
  );
  expect(changed).toEqual({
    userErrors: [],
    mirrorRule: {
      name: 'renamed',
      includeRepositories: [],
      repositoriesAtMost: 7,
      intervalSeconds: null,
      cron: '@daily',
      policy: 'ON_DEMAND',
      mirror: false,
      repositoryCount: 0,
      lastRun: null,
      viewerCan: ['READER', 'PUSHER', 'MAINTAINER', 'ADMIN'],
    },
  });
  const timed = await api.mutate(
    'mirrorRuleUpdate',
    { id, intervalSeconds: 60 },
    'mirrorRule { cron intervalSeconds }',
  );
  expect(timed.mirrorRule).toEqual({ cron: null, intervalSeconds: 60 });
  const read = await api.data(
    'query ($id: ID!) { mirrorRule(name: "renamed") { id } mirrorRules(first: 5) { totalCount nodes { name } } node(id: $id) { id } }',
    { id },
  );
  expect(read).toEqual({
    mirrorRule: { id },
    mirrorRules: { totalCount: 1, nodes: [{ name: 'renamed' }] },
    node: { id },
  });
  const run = await api.mutate('mirrorRuleRun', { id, dryRun: true }, 'task { id name dryRun }');
  expect(run.task).toMatchObject({ name: 'rule.run', dryRun: true });
  expect((await api.mutate('mirrorRuleRun', { id }, 'task { id }')).userErrors[0]).toMatchObject({
    code: 'IN_USE',
  });
  expect((await api.mutate('mirrorRuleDelete', { id }, 'deletedId')).userErrors[0]).toMatchObject({
    code: 'IN_USE',
  });
  await api.sql("update task set state = 'COMPLETED'");
  expect(await api.mutate('mirrorRuleDelete', { id }, 'deletedId')).toEqual({
    deletedId: id,
    userErrors: [],
  });
});

test('secrets are sealed, and another url deletes them', async () => {
  const { mirrorRule } = await create({ username: 'robot', password: testSecret('rule password') });
  const sealed = async () => (await api.sql('select secrets_sealed from mirror_rule'))[0]?.['secrets_sealed'];
  expect(typeof (await sealed())).toBe('string');
  await api.mutate('mirrorRuleUpdate', { id: mirrorRule.id, repositoriesAtMost: 5 });
  expect(typeof (await sealed())).toBe('string');
  await api.mutate('mirrorRuleUpdate', { id: mirrorRule.id, url: 'https://elsewhere.example' });
  expect(await sealed()).toBeNull();
});

test('a signature policy that a rule uses is not deleted', async () => {
  const { signaturePolicy } = await api.mutate(
    'signaturePolicyCreate',
    { name: 'ours', keys: [publicKey] },
    'signaturePolicy { id }',
  );
  await create({ signaturePolicyId: signaturePolicy.id });
  const refused = await api.mutate('signaturePolicyDelete', { id: signaturePolicy.id }, 'deletedId');
  expect(refused.userErrors[0]).toMatchObject({
    code: 'IN_USE',
    message: expect.stringContaining('mirror rule') as string,
  });
});
