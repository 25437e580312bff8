import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertRepository, insertTask } from '../../support/api/content.ts';
import { testSecret } from '../../support/test-secret.ts';
import { certificate, key, fields, valid } from '../../support/api/remote-inputs.ts';
import type { Payload } from '../../support/api/remote-inputs.ts';

let api: ApiUnderTest;
let openApi: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  openApi = await startApi({
    config: { host: '0.0.0.0', allowPrivate: false, allowUpstream: ['10.1.2.3:5000', '10.9.0.0/16'] },
  });
});
afterAll(async () => {
  await api.close();
  await openApi.close();
});

function create(input: object, server = api): Promise<Payload> {
  return server.mutate('remoteCreate', input, `remote { ${fields} }`);
}

function update(input: object): Promise<Payload> {
  return api.mutate('remoteUpdate', input, `remote { ${fields} }`);
}

describe('a remote', () => {
  test('is created with its defaults', async () => {
    const { remote, userErrors } = await create(valid({ name: 'defaults' }));
    expect(userErrors).toEqual([]);
    expect(remote).toMatchObject({
      name: 'defaults',
      policy: 'IMMEDIATE',
      includeTags: null,
      downloadConcurrency: 20,
      maxRetries: 3,
      rateLimit: null,
      bytesPerSecond: null,
      syncWindows: null,
      reserveRequests: null,
      sslValidation: true,
      followLayerUrls: false,
      hasPassword: false,
      hasSslClientKey: false,
      headerNames: [],
    });
  });

  test('fault 90: secrets are sealed at rest, each bound to its place, and never answered', async () => {
    const { remote, userErrors } = await create(
      valid({
        username: 'u',
        password: testSecret('password'),
        sslClientCertificate: certificate,
        sslClientKey: key,
        headers: [{ name: 'X-Token', value: testSecret('header') }],
        proxyUrl: `http://puser:${testSecret('proxy')}@proxy.example:3128`,
      }),
    );
    expect(userErrors).toEqual([]);
    expect(remote).toMatchObject({
      hasPassword: true,
      hasSslClientKey: true,
      headerNames: ['X-Token'],
      proxyUrl: 'http://proxy.example:3128',
    });
    const [row] = await api.sql('select * from remote order by id desc limit 1');
    expect(JSON.stringify(row)).not.toMatch(/test-secret|PRIVATE KEY/);
    const open = (column: string): string =>
      api.secrets.decrypt(String(row?.[`${column}_sealed`]), `remote:${String(row?.['id'])}:${column}`);
    expect(open('password')).toBe(testSecret('password'));
    expect(open('ssl_client_key')).toBe(key);
    expect(JSON.parse(open('headers'))).toEqual({ 'X-Token': testSecret('header') });
    expect(open('proxy_url')).toBe(`http://puser:${testSecret('proxy')}@proxy.example:3128`);
    const { text } = await api.graphql(`{ remotes(first: 100) { nodes { ${fields} } } }`);
    expect(text).not.toMatch(/test-secret|PRIVATE KEY/);
    expect(api.logged()).not.toMatch(/test-secret|PRIVATE KEY/);
  });

  test('an omitted field is kept, null clears', async () => {
    const budgets = {
      bytesPerSecond: '06:00-22:00 20MB/s, else off (Europe/Berlin)',
      syncWindows: ['Mon-Fri 22:00-06:00', 'Sat-Sun'],
      reserveRequests: 40,
    };
    const { remote } = await create(
      valid({ includeTags: ['v1.*'], username: 'u', password: testSecret('p'), rateLimit: 5, ...budgets }),
    );
    const kept = await update({ id: remote.id, downloadConcurrency: 7 });
    expect(kept.remote).toMatchObject({
      downloadConcurrency: 7,
      includeTags: ['v1.*'],
      username: 'u',
      hasPassword: true,
      rateLimit: 5,
      ...budgets,
    });
    const cleared = await update({
      id: remote.id,
      includeTags: null,
      username: null,
      password: null,
      rateLimit: null,
      syncWindows: null,
    });
    expect(cleared.remote).toMatchObject({
      includeTags: null,
      username: null,
      hasPassword: false,
      rateLimit: null,
      ...budgets,
      syncWindows: null,
    });
  });

  test('rules of tags are kept one by one, and cleared by null', async () => {
    const { remote } = await create(
      valid({
        semverRanges: ['>=1'],
        newestTags: { count: 3 },
        platforms: ['linux/amd64'],
        minimumAgeSeconds: 600,
      }),
    );
    expect(remote).toMatchObject({
      semverRanges: ['>=1'],
      semverPrereleases: false,
      newestTags: { count: 3, order: 'SEMVER', per: 'ALL' },
      minimumAgeSeconds: 600,
      minimumAgeFor: 'ALL',
    });
    const kept = await update({ id: remote.id, includeTagPatterns: ['v\\d+'], semverPrereleases: true });
    expect(kept.remote).toMatchObject({
      semverRanges: ['>=1'],
      includeTagPatterns: ['v\\d+'],
      semverPrereleases: true,
      platforms: ['linux/amd64'],
    });
    const cleared = await update({
      id: remote.id,
      semverRanges: null,
      newestTags: null,
      platforms: null,
      minimumAgeSeconds: null,
      minimumAgeFor: 'MOVED',
      semverSuffix: 'alpine',
    });
    expect(cleared.remote).toMatchObject({
      semverRanges: null,
      newestTags: null,
      platforms: null,
      minimumAgeSeconds: null,
      minimumAgeFor: 'MOVED',
      semverSuffix: 'alpine',
      includeTagPatterns: ['v\\d+'],
    });
  });
});

describe('fault 94: what is in use is not deleted', () => {
  const remove =
    'mutation ($id: ID!) { remoteDelete(input: { id: $id }) { deletedId userErrors { code field message } } }';

  test('a remote of repositories names them; one of a running task names it', async () => {
    const { remote } = await create(valid());
    const key1 = Number(Buffer.from(remote.id, 'base64url').toString().split(':')[1]);
    for (const name of ['used/a', 'used/b', 'used/c', 'used/d'])
      await api.sql('update repository set remote_id = $1 where id = $2', [
        key1,
        await insertRepository(api, name),
      ]);
    const taskId = await insertTask(api, await insertRepository(api, 'used/e'), 'RUNNING', key1);
    const { data } = await api.graphql(remove, { id: remote.id });
    expect(data.remoteDelete).toMatchObject({
      deletedId: null,
      userErrors: [
        { code: 'IN_USE', message: expect.stringContaining('"used/a", "used/b", "used/c" and 1 more') },
        { code: 'IN_USE', message: expect.stringContaining(toGlobalId('Task', taskId)) },
      ],
    });
    await api.sql("update task set state = 'CANCELED' where id = $1", [taskId]);
    await api.sql('update repository set remote_id = null');
    expect((await api.graphql(remove, { id: remote.id })).data.remoteDelete).toEqual({
      deletedId: remote.id,
      userErrors: [],
    });
  });

  test('a repository with a running task names it', async () => {
    const repositoryId = await insertRepository(api, 'busy/one');
    const taskId = await insertTask(api, repositoryId, 'WAITING');
    const { data } = await api.graphql(
      'mutation ($id: ID!) { repositoryDelete(input: { id: $id }) { deletedId userErrors { code field message } } }',
      { id: toGlobalId('Repository', repositoryId) },
    );
    expect(data.repositoryDelete).toMatchObject({
      deletedId: null,
      userErrors: [
        { code: 'IN_USE', field: ['id'], message: expect.stringContaining(toGlobalId('Task', taskId)) },
      ],
    });
  });
});

test('realmHosts are host names, kept and replaced as given', async () => {
  const base = { url: 'https://lscr.io', upstreamName: 'linuxserver/swag' };
  const refused = await create({
    ...base,
    name: 'realm-bad',
    realmHosts: ['https://ghcr.io', 'GHCR.io', '*.io'],
  });
  expect(refused.userErrors.map((error) => error.field)).toEqual([
    ['realmHosts', '0'],
    ['realmHosts', '1'],
    ['realmHosts', '2'],
  ]);
  const created = await create({ ...base, name: 'realm-good', realmHosts: ['ghcr.io'] });
  expect(created.remote['realmHosts']).toEqual(['ghcr.io']);
  const updated = await update({ id: created.remote.id, realmHosts: null });
  expect(updated.remote['realmHosts']).toEqual([]);
});
