/** Credentials in the API: fields by kind, use by remotes, and that no secret comes back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { testSecret } from '../support/test-secret.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const fields = 'id name kind hosts username hasSecret configFile helper region roleArn clientId';

interface Payload {
  readonly credential: (Record<string, unknown> & { readonly id: string }) | null;
  readonly remote: (Record<string, unknown> & { readonly id: string }) | null;
  readonly deletedId: string | null;
  readonly userErrors: readonly {
    readonly code: string;
    readonly field: string[];
    readonly message: string;
  }[];
}

const create = (input: object): Promise<Payload> =>
  api.mutate('credentialCreate', input, `credential { ${fields} }`);
const update = (input: object): Promise<Payload> =>
  api.mutate('credentialUpdate', input, `credential { ${fields} }`);
const remove = (id: string): Promise<Payload> => api.mutate('credentialDelete', { id }, 'deletedId');
const createRemote = (input: object): Promise<Payload> =>
  api.mutate(
    'remoteCreate',
    { url: 'https://registry.example', upstreamName: 'a/b', ...input },
    'remote { id username credential { id name } }',
  );
const updateRemote = (input: object): Promise<Payload> =>
  api.mutate('remoteUpdate', input, 'remote { id username hasPassword credential { name } }');

let sequence = 0;
function login(more: object = {}) {
  sequence += 1;
  return {
    name: `login-${sequence}`,
    kind: 'STATIC',
    username: 'user',
    password: testSecret('credential-password'),
    ...more,
  };
}

const serviceAccountKey = JSON.stringify({
  type: 'service_account',
  client_email: 'pull@project.iam.gserviceaccount.com',
  private_key: testSecret('google-private-key'),
});
const nothing = {
  hosts: null,
  username: null,
  hasSecret: false,
  configFile: null,
  helper: null,
  region: null,
  roleArn: null,
  clientId: null,
};

describe('each kind', () => {
  test.each<[string, object, object]>([
    ['STATIC', { username: 'u', password: testSecret('p') }, { username: 'u', hasSecret: true }],
    ['DOCKER_CONFIG', {}, {}],
    ['DOCKER_CONFIG', { configFile: 'team/config.json' }, { configFile: 'team/config.json' }],
    [
      'HELPER',
      { helper: 'ecr-login', hosts: ['*.example.com'] },
      { helper: 'ecr-login', hosts: ['*.example.com'] },
    ],
    [
      'ECR',
      { region: 'eu-central-1', roleArn: 'arn:aws:iam::123456789012:role/pull' },
      { region: 'eu-central-1', roleArn: 'arn:aws:iam::123456789012:role/pull' },
    ],
    ['GOOGLE', { serviceAccountKey }, { hasSecret: true }],
    ['GOOGLE', {}, {}],
    [
      'AZURE',
      { clientId: '01234567-89ab-cdef-0123-456789abcdef' },
      { clientId: '01234567-89ab-cdef-0123-456789abcdef' },
    ],
  ])('%s is stored and read: %#', async (kind, given, expected) => {
    sequence += 1;
    const name = `kind-${sequence}`;
    const { credential, userErrors } = await create({ name, kind, ...given });
    expect(userErrors).toEqual([]);
    expect(credential).toEqual({ id: expect.any(String), name, kind, ...nothing, ...expected });
    const read = await api.data(`query ($name: String!) { credential(name: $name) { ${fields} } }`, { name });
    expect(read).toEqual({ credential });
  });

  test.each<[string, object, string[][]]>([
    ['STATIC', {}, [['username'], ['password']]],
    ['STATIC', { username: 'u', password: '', region: 'eu-west-1' }, [['password'], ['region']]],
    ['STATIC', { username: 'a:b', password: 'x' }, [['username']]],
    ['STATIC', { username: 'u', password: 'x', hosts: [] }, [['hosts']]],
    ['STATIC', { username: 'u', password: 'x', hosts: ['ok.example', 'https://no'] }, [['hosts', '1']]],
    ['DOCKER_CONFIG', { configFile: '../secrets/config.json' }, [['configFile']]],
    ['DOCKER_CONFIG', { configFile: '/etc/passwd' }, [['configFile']]],
    ['DOCKER_CONFIG', { configFile: 'a/../../b' }, [['configFile']]],
    ['HELPER', { helper: '../bin/sh' }, [['helper']]],
    ['HELPER', { helper: 'x; rm' }, [['helper']]],
    ['HELPER', {}, [['helper']]],
    ['ECR', { region: 'Frankfurt' }, [['region']]],
    ['ECR', { roleArn: 'role/pull', password: 'x' }, [['password'], ['roleArn']]],
    ['GOOGLE', { serviceAccountKey: '{"type":"external_account"}' }, [['serviceAccountKey']]],
    ['GOOGLE', { serviceAccountKey: 'not JSON' }, [['serviceAccountKey']]],
    ['AZURE', { clientId: 'me' }, [['clientId']]],
  ])('%s refuses what it does not take: %j', async (kind, given, expected) => {
    const { credential, userErrors } = await create({
      ...login(),
      username: null,
      password: null,
      kind,
      ...given,
    });
    expect(credential).toBeNull();
    const refused = userErrors.map(({ field }) => field.join('.'));
    expect(new Set(refused)).toEqual(new Set(expected.map((field) => field.join('.'))));
    expect(userErrors.map(({ code }) => code)).toEqual(refused.map(() => 'INVALID'));
  });
});

test('a name is taken once; a changed credential keeps what is omitted', async () => {
  const given = login();
  const { credential } = await create(given);
  expect((await create(given)).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS', field: ['name'] }]);
  const id = credential?.id ?? '';
  const changed = await update({ id, name: `${given.name}-new`, username: 'other' });
  expect(changed.credential).toMatchObject({ name: `${given.name}-new`, username: 'other', hasSecret: true });
  expect((await update({ id, username: null })).userErrors).toMatchObject([{ field: ['username'] }]);
  expect((await update({ id, region: 'eu-west-1' })).userErrors).toMatchObject([{ field: ['region'] }]);
  expect((await update({ id: toGlobalId('Credential', 999_999) })).userErrors).toMatchObject([
    { code: 'NOT_FOUND', field: ['id'] },
  ]);
});

test('further hosts for a stored secret need the secret again', async () => {
  const { credential } = await create(login({ hosts: ['a.example', 'b.example'] }));
  const id = credential?.id ?? '';
  for (const hosts of [['a.example', 'c.example'], null])
    expect((await update({ id, hosts })).userErrors).toMatchObject([{ code: 'INVALID', field: ['hosts'] }]);
  expect((await update({ id, hosts: ['a.example'] })).credential).toMatchObject({ hosts: ['a.example'] });
  const known = await update({ id, hosts: null, password: testSecret('again') });
  expect(known.credential).toMatchObject({ hosts: null });
});

test('without hosts, a stored secret belongs to the default hosts of its kind', async () => {
  const { credential } = await create({ name: 'google-hosts', kind: 'GOOGLE', serviceAccountKey });
  const id = credential?.id ?? '';
  for (const hosts of [['registry.example'], ['*.example'], ['pkg.dev'], ['*.dev']])
    expect((await update({ id, hosts })).userErrors).toMatchObject([{ code: 'INVALID', field: ['hosts'] }]);
  for (const hosts of [['europe-docker.pkg.dev', '*.gcr.io'], ['europe-docker.pkg.dev']])
    expect((await update({ id, hosts })).credential).toMatchObject({ hosts });
  expect((await update({ id, hosts: ['gcr.io'], serviceAccountKey })).credential).toMatchObject({
    hosts: ['gcr.io'],
  });
});

test('a secret is stored encrypted only', async () => {
  await create(login());
  const rows = await api.sql('select secret_sealed from credential where secret_sealed is not null', []);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) expect(row['secret_sealed']).toMatch(/^tm1\./);
});

test('the list has pages, by name', async () => {
  await create(login({ name: 'page-a' }));
  await create(login({ name: 'page-b' }));
  const first = (await api.data('query { credentials(first: 100) { totalCount nodes { name } } }')) as {
    credentials: { totalCount: number; nodes: { name: string }[] };
  };
  const names = first.credentials.nodes.map(({ name }) => name);
  expect(names.indexOf('page-b')).toBe(names.indexOf('page-a') + 1);
  expect(first.credentials.totalCount).toBe(names.length);
});

const readTouched = () => api.sql('select updated_at from remote where name = $1', ['touched']);

describe('remotes', () => {
  test('use a credential, which cannot be deleted meanwhile; the message names them', async () => {
    const { credential } = await create(login());
    const id = credential?.id ?? '';
    const made = await createRemote({ name: `uses-${id}`, credentialId: id });
    expect(made.userErrors).toEqual([]);
    expect(made.remote).toMatchObject({ username: null, credential: { id } });
    const refused = await remove(id);
    expect(refused.userErrors).toMatchObject([{ code: 'IN_USE', field: ['id'] }]);
    expect(refused.userErrors[0]?.message).toContain(`uses-${id}`);
    const freed = await updateRemote({ id: made.remote?.id, credentialId: null });
    expect(freed.remote).toMatchObject({ credential: null });
    expect(await remove(id)).toMatchObject({ deletedId: id, userErrors: [] });
  });

  test('have one login: a credential, or a user of their own', async () => {
    const credentialId = (await create(login())).credential?.id;
    const both = { name: 'both', credentialId, username: 'u', password: testSecret('own') };
    expect((await createRemote(both)).userErrors).toMatchObject([
      { code: 'INVALID', field: ['credentialId'] },
    ]);
    const { remote } = await createRemote({ ...both, credentialId: null });
    const id = remote?.id;
    expect((await updateRemote({ id, credentialId })).userErrors).toMatchObject([
      { field: ['credentialId'] },
    ]);
    const moved = await updateRemote({ id, credentialId, username: null, password: null });
    expect(moved.remote).toMatchObject({ username: null, hasPassword: false, credential: {} });
  });

  test('get no credential of a host that is not theirs', async () => {
    const credentialId = (await create({ name: 'ecr-host', kind: 'ECR' })).credential?.id;
    const refused = await createRemote({ name: 'not-ecr', credentialId });
    expect(refused.userErrors).toMatchObject([{ code: 'INVALID', field: ['credentialId'] }]);
    expect(refused.userErrors[0]?.message).toContain('registry.example');
    const url = 'https://123456789012.dkr.ecr.eu-central-1.amazonaws.com';
    const made = await createRemote({ name: 'is-ecr', credentialId, url });
    expect(made.userErrors).toEqual([]);
    const away = await updateRemote({ id: made.remote?.id, url: 'https://registry.example' });
    expect(away.userErrors).toMatchObject([{ field: ['credentialId'] }]);
  });

  test('refuse an id that is none', async () => {
    const refused = await createRemote({ name: 'none', credentialId: toGlobalId('Remote', 1) });
    expect(refused.userErrors).toMatchObject([{ code: 'NOT_FOUND', field: ['credentialId'] }]);
  });

  test('count as changed when their credential changes, so that open clients are replaced', async () => {
    const credentialId = (await create(login())).credential?.id;
    const { remote } = await createRemote({ name: 'touched', credentialId });
    const [before] = await readTouched();
    await update({ id: credentialId, password: testSecret('new') });
    const [after] = await readTouched();
    expect(after?.['updated_at']).not.toEqual(before?.['updated_at']);
    expect(remote).not.toBeNull();
  });
});
