/** Mirror rules over the API and in configurations. No worker takes their runs. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
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

async function apply(mirrorRules: object[], options: object = {}) {
  const input = { configuration: { name: 'test', mirrorRules }, ...options };
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

describe('in a configuration', () => {
  const configured = {
    name: 'team',
    url: `${url}/`,
    includeRepositories: ['team/**'],
    targetPrefix: 'mirror',
    newestTags: { count: 5 },
    username: 'robot',
    password: testSecret('configured rule'),
    intervalSeconds: 3_600,
  };

  test('a rule is created once, changed by field, exported, and pruned', async () => {
    expect(await apply([configured])).toEqual([
      [
        'CREATE MIRROR_RULE team',
        [
          'includeRepositories',
          'intervalSeconds',
          'newestTags',
          'password',
          'targetPrefix',
          'url',
          'username',
        ],
      ],
    ]);
    expect(await apply([configured])).toEqual([]);
    const changed = { ...configured, intervalSeconds: null, cron: '@daily', includeRepositories: null };
    expect(await apply([changed])).toEqual([
      ['UPDATE MIRROR_RULE team', ['cron', 'includeRepositories', 'intervalSeconds']],
    ]);
    expect(await apply([changed])).toEqual([]);
    const exported = await api.data(
      'query { configuration(section: MIRROR_RULE, first: 5) { nodes { name value secrets } } }',
    );
    expect(exported.configuration.nodes).toEqual([
      {
        name: 'team',
        secrets: ['password'],
        value: {
          name: 'team',
          url,
          targetPrefix: 'mirror',
          newestTags: { count: 5, order: 'SEMVER', per: 'ALL' },
          username: 'robot',
          cron: '@daily',
        },
      },
    ]);
    expect(await apply([], { prune: true })).toEqual([['DELETE MIRROR_RULE team', []]]);
  });
});

test('a rule has a credential in place of a user, which stays as long as the rule', async () => {
  const hub = {
    name: 'hub',
    kind: 'STATIC',
    hosts: ['registry.example'],
    username: 'me',
    password: testSecret('hub'),
  };
  const { credential } = await api.mutate('credentialCreate', hub, 'credential { id }');
  const both = await create({ credentialId: credential.id, username: 'you' });
  expect(both.userErrors).toMatchObject([{ field: ['credentialId'] }]);
  const elsewhere = await create({ credentialId: credential.id, url: 'https://elsewhere.example' });
  expect(elsewhere.userErrors).toMatchObject([{ field: ['credentialId'] }]);
  const { mirrorRule } = await create({ credentialId: credential.id });
  const { data } = await api.graphql('{ mirrorRule(name: "rule") { credential { name } } }');
  expect(data.mirrorRule.credential).toEqual({ name: 'hub' });
  const moved = await api.mutate(
    'mirrorRuleUpdate',
    { id: mirrorRule.id, url: 'https://elsewhere.example' },
    'mirrorRule { id }',
  );
  expect(moved.userErrors).toMatchObject([{ field: ['credentialId'] }]);
  const kept = await api.mutate('credentialDelete', { id: credential.id }, 'deletedId');
  expect(kept.userErrors).toMatchObject([{ code: 'IN_USE', message: expect.stringContaining('"rule"') }]);
  await api.mutate('mirrorRuleUpdate', { id: mirrorRule.id, credentialId: null }, 'mirrorRule { id }');
  expect((await api.mutate('credentialDelete', { id: credential.id }, 'deletedId')).userErrors).toEqual([]);
});
