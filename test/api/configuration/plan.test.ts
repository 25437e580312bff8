/** Plans of configurations: defaults as in the schema, the order of changes, and what a plan does not tell. */
import { getNamedType, isNonNullType } from 'graphql';
import type { GraphQLInputField, GraphQLInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Viewer } from '../../../src/access/viewer.ts';
import { buildApiSchema } from '../../../src/api/graphql/build-schema.ts';
import { kinds } from '../../../src/operations/configuration/kinds.ts';
import { planChanges } from '../../../src/operations/configuration/plan.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { testSecret } from '../../support/test-secret.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

async function apply(configuration: object) {
  const answer = await api.mutate(
    'configurationApply',
    { configuration: { name: 'test', ...configuration } },
    'changes { action kind name }',
  );
  return answer as {
    changes: readonly { action: string; kind: string; name: string }[];
    userErrors: readonly object[];
  };
}

const remote = (name: string, more: object = {}) => ({
  name,
  url: 'https://registry.example',
  upstreamName: 'a/b',
  ...more,
});

function inputOf(section: string): Readonly<Record<string, GraphQLInputField>> {
  const root = buildApiSchema().getType('ConfigurationInput') as GraphQLInputObjectType;
  const name = section === 'SCHEDULE' ? 'repositories' : section;
  const type = getNamedType(root.getFields()[name]?.type) as GraphQLInputObjectType;
  if (section !== 'SCHEDULE') return type.getFields();
  return (getNamedType(type.getFields()['schedules']?.type) as GraphQLInputObjectType).getFields();
}

describe('defaults', () => {
  test.each(kinds.map((kind) => [kind.kind, kind] as const))('of %s are those of its input', (name, kind) => {
    // a schedule has no name, and the repository of a distribution depends on its base path
    const others = [
      kind.nameField,
      ...kind.kept,
      'schedules',
      ...(name === 'DISTRIBUTION' ? ['repository'] : []),
    ];
    const fields = Object.values(inputOf(name === 'SCHEDULE' ? 'SCHEDULE' : kind.section)).filter(
      (field) => !others.includes(field.name) && !isNonNullType(field.type),
    );
    const ofInput = Object.fromEntries(fields.map((field) => [field.name, field.defaultValue ?? null]));
    const ofKind = Object.entries(kind.defaults).map(([field, value]) => [
      field,
      // an empty list of a policy is as null
      Array.isArray(value) && value.length === 0 ? null : value,
    ]);
    expect(Object.fromEntries(ofKind)).toEqual(ofInput);
  });
});

const crossedRepository = (name: string, own: string, other: string) => ({
  name: `crossed/${name}`,
  remote: own,
  schedules: [{ intervalSeconds: 3600, remote: other }],
});

describe('the order of changes', () => {
  test('remotes that the schedules of other repositories name are created before all of them', async () => {
    const crossed = {
      remotes: [remote('crossed-a'), remote('crossed-b')],
      repositories: [
        crossedRepository('a', 'crossed-a', 'crossed-b'),
        crossedRepository('b', 'crossed-b', 'crossed-a'),
      ],
    };
    expect((await apply(crossed)).userErrors).toEqual([]);
    expect(await apply(crossed)).toMatchObject({ changes: [], userErrors: [] });
  });

  test('an empty list of headers is no change', async () => {
    const remotes = [remote('bare', { headers: [] })];
    expect((await apply({ remotes })).userErrors).toEqual([]);
    expect(await apply({ remotes })).toMatchObject({ changes: [], userErrors: [] });
  });
});

const viewer = (role: 'reader' | 'maintainer'): Viewer => ({
  kind: 'token',
  name: role,
  grants: [{ role, scope: '*' }],
  expiresAt: undefined,
  identity: { kind: 'everybody' },
});

async function changedFields(role: 'reader' | 'maintainer', given: object): Promise<string[]> {
  const reader = {
    em: api.database.em.fork(),
    viewer: viewer(role),
    secrets: api.secrets,
    isAccessOn: true,
  };
  const configuration = {
    name: 'guess',
    signaturePolicies: [],
    credentials: [],
    remotes: [{ ...remote('guarded'), ...given }],
    repositories: [],
    distributions: [],
    mirrorRules: [],
    proxies: [],
    webhooks: [],
  };
  const changes = await planChanges(reader, configuration, { prune: false });
  return changes.flatMap(({ fields }) => fields.map(({ field }) => field));
}

describe('secrets', () => {
  test('a plan of a caller who may not set a secret is the same for a right and a wrong guess', async () => {
    const login = { username: 'me', password: testSecret('guessed-password') };
    const proxyUrl = `http://me:${testSecret('guessed-proxy')}@proxy.example:3128`;
    const stored = { ...login, proxyUrl };
    expect((await apply({ remotes: [remote('guarded', stored)] })).userErrors).toEqual([]);
    expect(await changedFields('maintainer', stored)).toEqual([]);
    const wrong = { ...stored, password: 'wrong', proxyUrl: 'http://me:wrong@proxy.example:3128' };
    for (const guess of [stored, wrong])
      expect((await changedFields('reader', guess)).toSorted()).toEqual(['password', 'proxyUrl']);
    const shown = { username: 'me', proxyUrl: 'http://proxy.example:3128' };
    expect(await changedFields('reader', shown)).toEqual([]);
  });
});
