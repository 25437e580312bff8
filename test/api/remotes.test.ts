import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { insertRepository, insertTask } from '../support/api/content.ts';
import { testSecret } from '../support/test-secret.ts';

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

function fixture(name: string): string {
  return readFileSync(new URL(`../support/fixtures/${name}`, import.meta.url), 'utf8');
}

const certificate = fixture('client.pem');
const key = fixture('client.key');
const encryptedKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
}).privateKey;

const fields = `id name url upstreamName policy includeTags excludeTags includeTagPatterns excludeTagPatterns
  semverRanges semverPrereleases semverSuffix newestTags { count order per } platforms minimumAgeSeconds minimumAgeFor sigstore downloadConcurrency proxyUrl
  sslCaCertificate sslClientCertificate hasSslClientKey sslValidation followLayerUrls totalTimeout connectTimeout sockReadTimeout maxRetries rateLimit
  bytesPerSecond syncWindows reserveRequests
  headerNames realmHosts username hasPassword`;

interface Payload {
  readonly remote: Record<string, unknown> & { readonly id: string };
  readonly userErrors: readonly {
    readonly code: string;
    readonly field: readonly string[];
    readonly message: string;
  }[];
}

function create(input: object, server = api): Promise<Payload> {
  return server.mutate('remoteCreate', input, `remote { ${fields} }`);
}

function update(input: object): Promise<Payload> {
  return api.mutate('remoteUpdate', input, `remote { ${fields} }`);
}

let sequence = 0;
function valid(more: object = {}): object {
  sequence += 1;
  return {
    name: `remote ${sequence}`,
    url: 'https://registry.example',
    upstreamName: 'library/nginx',
    ...more,
  };
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

  test('another url drops password, key and headers, unless they are given again', async () => {
    const secrets = {
      password: testSecret('p'),
      sslClientKey: key,
      headers: [{ name: 'X-A', value: testSecret('a') }],
    };
    const { remote } = await create(valid({ username: 'u', sslClientCertificate: certificate, ...secrets }));
    const url = 'https://other.example';
    expect((await update({ id: remote.id, url })).userErrors).toMatchObject([
      { code: 'INVALID', field: ['sslClientKey'] },
    ]);
    const again = await update({ id: remote.id, url, ...secrets });
    expect(again.remote).toMatchObject({
      url,
      hasPassword: true,
      hasSslClientKey: true,
      headerNames: ['X-A'],
    });
    const dropped = await update({ id: remote.id, url: 'https://third.example', sslClientCertificate: null });
    expect(dropped.remote).toMatchObject({
      username: 'u',
      hasPassword: false,
      hasSslClientKey: false,
      headerNames: [],
    });
  });

  test.each([
    ['another proxy', { proxyUrl: 'http://proxy.example:3128' }],
    ['another CA', { sslCaCertificate: certificate }],
    ['no checks of TLS', { sslValidation: false }],
  ])(
    '%s, which could let somebody read them, drops the secrets unless they are given again',
    async (_, change) => {
      const headers = [{ name: 'X-A', value: 'a' }];
      const { remote } = await create(valid({ username: 'u', password: 'p', headers }));
      const again = await update({ id: remote.id, ...change, password: 'p', headers });
      expect(again.remote).toMatchObject({ hasPassword: true, headerNames: ['X-A'] });
      // the same once more is no change
      expect((await update({ id: remote.id, ...change })).remote).toMatchObject({ hasPassword: true });
      const other = await create(valid({ username: 'u', password: 'p', headers }));
      const dropped = await update({ id: other.remote.id, ...change });
      expect(dropped.remote).toMatchObject({ username: 'u', hasPassword: false, headerNames: [] });
    },
  );

  test('without a proxy, and with checks of TLS, the secrets stay', async () => {
    const { remote } = await create(
      valid({ password: 'p', proxyUrl: 'http://user:secret@proxy.example:3128', sslValidation: false }),
    );
    const { remote: kept } = await update({ id: remote.id, proxyUrl: null, sslValidation: true });
    expect(kept).toMatchObject({ hasPassword: true, proxyUrl: null });
  });

  test('a certificate is changed with a stored key only where that fits', async () => {
    const { remote } = await create(valid({ sslClientCertificate: certificate, sslClientKey: key }));
    expect((await update({ id: remote.id, sslClientCertificate: certificate })).userErrors).toEqual([]);
    expect(
      (await update({ id: remote.id, sslClientCertificate: fixture('other-name.pem') })).userErrors,
    ).toMatchObject([{ code: 'INVALID', field: ['sslClientCertificate'] }]);
  });
});

interface Mistake {
  readonly name: string;
  readonly input: object;
  readonly field: readonly string[];
  readonly message?: RegExp;
}

const leaked = testSecret('mistake');
const mistakes: readonly Mistake[] = [
  { name: 'an empty name', input: { name: '' }, field: ['name'] },
  { name: 'a name of 256 characters', input: { name: 'x'.repeat(256) }, field: ['name'] },
  { name: 'a name with a line break', input: { name: 'a\nb' }, field: ['name'] },
  { name: 'a name with NUL', input: { name: 'a\0b' }, field: ['name'] },
  {
    name: 'a url with credentials',
    input: { url: `https://user:${leaked}@registry.example` },
    field: ['url'],
  },
  { name: 'a url with a user only', input: { url: 'https://user@registry.example' }, field: ['url'] },
  { name: 'an unknown scheme', input: { url: 'ftp://registry.example' }, field: ['url'], message: /"ftp"/ },
  { name: 'a file', input: { url: 'file:///etc/passwd' }, field: ['url'] },
  { name: 'no scheme', input: { url: 'registry.example' }, field: ['url'] },
  { name: 'no host', input: { url: 'https://' }, field: ['url'] },
  { name: 'a query', input: { url: `https://registry.example?sig=${leaked}` }, field: ['url'] },
  { name: 'a fragment', input: { url: 'https://registry.example#x' }, field: ['url'] },
  { name: 'CR and LF', input: { url: 'https://registry.example/\r\nX: y' }, field: ['url'] },
  { name: 'a port beyond 65535', input: { url: 'https://registry.example:70000' }, field: ['url'] },
  {
    name: 'the metadata service',
    input: { url: 'http://169.254.169.254' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service as one number',
    input: { url: 'http://2852039166' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service in octal',
    input: { url: 'http://0251.0376.0251.0376' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service inside IPv6',
    input: { url: 'http://[::ffff:169.254.169.254]' },
    field: ['url'],
    message: /metadata/,
  },
  { name: 'the unspecified address', input: { url: 'http://0.0.0.0:5000' }, field: ['url'] },
  { name: 'an upstream name in capitals', input: { upstreamName: 'Library/Nginx' }, field: ['upstreamName'] },
  {
    name: 'an upstream name that climbs',
    input: { upstreamName: '../../etc/passwd' },
    field: ['upstreamName'],
  },
  {
    name: 'a regular expression that does not compile',
    input: { includeTagPatterns: ['v1', 'v(1'] },
    field: ['includeTagPatterns', '1'],
    message: /at character 2: missing closing \)/,
  },
  {
    name: 'a regular expression that is too large',
    input: { excludeTagPatterns: ['([a-z]{100}){10}'] },
    field: ['excludeTagPatterns', '0'],
    message: /instructions/,
  },
  {
    name: '101 regular expressions',
    input: { includeTagPatterns: Array.from({ length: 101 }, () => 'v1') },
    field: ['includeTagPatterns'],
  },
  { name: 'no semver range', input: { semverRanges: ['>=1 <two'] }, field: ['semverRanges', '0'] },
  { name: 'a suffix with its dash', input: { semverSuffix: '-alpine' }, field: ['semverSuffix'] },
  {
    name: 'a platform with another name',
    input: { platforms: ['linux/amd64', 'linux/x86_64'] },
    field: ['platforms', '1'],
    message: /x86_64 is called amd64 here: "linux\/amd64"/,
  },
  { name: 'no minimum age', input: { minimumAgeSeconds: 0 }, field: ['minimumAgeSeconds'] },
  { name: 'no platform', input: { platforms: [] }, field: ['platforms'] },
  { name: 'the newest 0', input: { newestTags: { count: 0 } }, field: ['newestTags', 'count'] },
  {
    name: 'a wildcard that cannot be parsed',
    input: { includeTags: ['ok', 'v[1'] },
    field: ['includeTags', '1'],
  },
  { name: 'an empty exclusion', input: { excludeTags: [''] }, field: ['excludeTags', '0'] },
  {
    name: 'a sigstore with credentials',
    input: { sigstore: `https://u:${leaked}@sigs.example` },
    field: ['sigstore'],
  },
  { name: 'no concurrency', input: { downloadConcurrency: 0 }, field: ['downloadConcurrency'] },
  { name: 'a concurrency of 101', input: { downloadConcurrency: 101 }, field: ['downloadConcurrency'] },
  { name: 'maxRetries of 11', input: { maxRetries: 11 }, field: ['maxRetries'] },
  { name: 'negative maxRetries', input: { maxRetries: -1 }, field: ['maxRetries'] },
  { name: 'a rateLimit of 0', input: { rateLimit: 0 }, field: ['rateLimit'] },
  { name: 'a bandwidth without a unit', input: { bytesPerSecond: '20' }, field: ['bytesPerSecond'] },
  { name: 'a window that is none', input: { syncWindows: ['Sat', 'night'] }, field: ['syncWindows'] },
  { name: 'no windows', input: { syncWindows: [] }, field: ['syncWindows'] },
  { name: 'a reserve of nothing', input: { reserveRequests: 0 }, field: ['reserveRequests'] },
  { name: 'a timeout of 0', input: { totalTimeout: 0 }, field: ['totalTimeout'] },
  { name: 'a negative timeout', input: { connectTimeout: -1.5 }, field: ['connectTimeout'] },
  { name: 'a timeout of a year', input: { sockReadTimeout: 31_536_000 }, field: ['sockReadTimeout'] },
  {
    name: 'a proxy with another scheme',
    input: { proxyUrl: `socks5://u:${leaked}@proxy.example` },
    field: ['proxyUrl'],
  },
  { name: 'a proxy with a path', input: { proxyUrl: 'http://proxy.example/x' }, field: ['proxyUrl'] },
  {
    name: 'an Authorization header',
    input: { headers: [{ name: 'authorization', value: leaked }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a Host header',
    input: { headers: [{ name: 'Host', value: 'x' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a Content-Length header',
    input: { headers: [{ name: 'Content-Length', value: '1' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a header name with a blank',
    input: { headers: [{ name: 'X Y', value: 'x' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a header value with CR and LF',
    input: { headers: [{ name: 'X-A', value: `${leaked}\r\nHost: y` }] },
    field: ['headers', '0', 'value'],
  },
  {
    name: 'a header twice',
    input: {
      headers: [
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
      ],
    },
    field: ['headers', '1', 'name'],
  },
  { name: 'a user name with a colon', input: { username: 'a:b' }, field: ['username'] },
  {
    name: 'a password with a NUL',
    input: { password: `${testSecret('broken')}\0` },
    field: ['password'],
  },
  {
    name: 'fault 55: a CA that is no PEM',
    input: { sslCaCertificate: leaked },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a damaged certificate',
    input: { sslCaCertificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a key where the CA belongs',
    input: { sslCaCertificate: key },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a key that does not fit',
    input: { sslClientCertificate: certificate, sslClientKey: fixture('other-name.key') },
    field: ['sslClientKey'],
    message: /does not match/,
  },
  {
    name: 'fault 55: an encrypted key',
    input: { sslClientCertificate: certificate, sslClientKey: encryptedKey },
    field: ['sslClientKey'],
    message: /openssl pkey/,
  },
  {
    name: 'fault 55: a damaged key',
    input: {
      sslClientCertificate: certificate,
      sslClientKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    },
    field: ['sslClientKey'],
  },
  {
    name: 'fault 55: a key without certificate',
    input: { sslClientKey: key },
    field: ['sslClientCertificate'],
  },
  {
    name: 'fault 55: a certificate without key',
    input: { sslClientCertificate: certificate },
    field: ['sslClientKey'],
  },
];

describe('invalid input', () => {
  let existing: Payload;
  beforeAll(async () => {
    existing = await create(valid({ name: 'existing' }));
  });

  const rows = mistakes.map((row) =>
    ['url', 'sigstore', 'proxyUrl'].includes(row.field[0] ?? '')
      ? { ...row, name: `fault 24: ${row.name}` }
      : row,
  );
  test.each(rows)('$name, at create and at update', async ({ input, field, message }) => {
    const [before] = await api.sql('select count(*) as count from remote');
    for (const { remote, userErrors } of [
      await create(valid(input)),
      await update({ id: existing.remote.id, ...input }),
    ]) {
      expect(remote).toBeNull();
      expect(userErrors.map((error) => [error.code, error.field])).toEqual([['INVALID', field]]);
      if (message !== undefined) expect(userErrors[0]?.message).toMatch(message);
      expect(JSON.stringify(userErrors)).not.toMatch(new RegExp(`${leaked}|PRIVATE KEY-----\\\\n[A-Za-z]`));
    }
    expect(await api.sql('select count(*) as count from remote')).toEqual([before]);
    const { data } = await api.graphql(`{ remote(name: "existing") { ${fields} } }`);
    expect(data.remote).toEqual(existing.remote);
  });

  test('all mistakes come at once', async () => {
    const { userErrors } = await create({
      name: '',
      url: 'ftp://x',
      upstreamName: 'X',
      downloadConcurrency: 0,
      includeTags: ['[', ']', '['],
    });
    expect(userErrors.map((error) => error.field.join('.'))).toEqual([
      'name',
      'url',
      'upstreamName',
      'includeTags.0',
      'includeTags.1',
      'includeTags.2',
      'downloadConcurrency',
    ]);
  });

  test('null for a field that has no empty state', async () => {
    const { userErrors } = await update({
      id: existing.remote.id,
      name: null,
      url: null,
      policy: null,
      sslValidation: null,
      followLayerUrls: null,
    });
    expect(userErrors.map((error) => error.field)).toEqual([
      ['name'],
      ['url'],
      ['policy'],
      ['sslValidation'],
      ['followLayerUrls'],
    ]);
  });

  test('a taken name, also by eight callers at once', async () => {
    expect((await create(valid({ name: 'existing' }))).userErrors).toMatchObject([
      { code: 'ALREADY_EXISTS', field: ['name'] },
    ]);
    const payloads = await Promise.all(Array.from({ length: 8 }, () => create(valid({ name: 'raced' }))));
    expect(payloads.filter(({ remote }) => remote !== null)).toHaveLength(1);
    expect(payloads.flatMap(({ userErrors }) => userErrors.map((error) => error.code))).toEqual(
      Array.from({ length: 7 }, () => 'ALREADY_EXISTS'),
    );
  });

  test.each(['', 'nonsense', toGlobalId('Remote', 999_999), toGlobalId('Repository', 1)])(
    'fault 91: the id %j is NOT_FOUND',
    async (id) => {
      expect((await update({ id, name: 'x' })).userErrors).toMatchObject([
        { code: 'NOT_FOUND', field: ['id'] },
      ]);
    },
  );
});

describe('fault 24: a server that is open to others', () => {
  test.each([
    'http://127.0.0.1:5000',
    'http://localhost',
    'http://a.localhost',
    'http://10.0.0.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://[::1]',
    'http://[::ffff:10.0.0.1]',
    'http://10.1.2.3:5001',
  ])('refuses the private address %s', async (url) => {
    const { userErrors } = await create(valid({ url }), openApi);
    expect(userErrors).toMatchObject([
      { code: 'INVALID', field: ['url'], message: expect.stringContaining('TIDEMARK_ALLOW_UPSTREAM') },
    ]);
  });

  test.each(['http://10.1.2.3:5000', 'http://10.9.8.7', 'https://registry.example'])(
    'takes %s',
    async (url) => {
      expect((await create(valid({ url }), openApi)).userErrors).toEqual([]);
    },
  );
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

describe('an address is stored as it is used', () => {
  test.each([
    ['http://registry.example/v2/', 'team/app', 'http://registry.example', 'team/app'],
    ['https://hub.docker.com', 'nginx', 'https://registry-1.docker.io', 'library/nginx'],
    ['https://index.docker.io/v1/', 'docker.io/org/app', 'https://registry-1.docker.io', 'org/app'],
    ['HTTPS://GHCR.io:443', 'ghcr.io/org/app', 'https://ghcr.io', 'org/app'],
  ])('%s and %s', async (url, upstreamName, usedUrl, usedName) => {
    const used = { url: usedUrl, upstreamName: usedName };
    const created = await create(valid({ url, upstreamName }));
    expect(created).toMatchObject({ userErrors: [], remote: used });
    const { remote } = await create(valid());
    expect(await update({ id: remote.id, url, upstreamName })).toMatchObject({
      userErrors: [],
      remote: used,
    });
  });

  test('the same address in another spelling keeps the password', async () => {
    const { remote } = await create(valid({ username: 'u', password: testSecret('spelling') }));
    const again = await update({ id: remote.id, url: 'https://Registry.example:443/v2/' });
    expect(again.remote).toMatchObject({ url: 'https://registry.example', hasPassword: true });
  });

  test.each(['https://quay.io/repository/org/name', 'https://hub.docker.com/r/org/name'])(
    'the web page %s is refused',
    async (url) => {
      expect((await create(valid({ url }))).userErrors).toMatchObject([
        { code: 'INVALID', field: ['url'], message: expect.stringContaining('upstreamName') },
      ]);
    },
  );

  test("Google's key file is a password as it is", async () => {
    const password = `{\n  "private_key": "-----BEGIN\\n${testSecret('key-file')}"\n}\n`;
    expect((await create(valid({ username: '_json_key', password }))).userErrors).toEqual([]);
  });
});
