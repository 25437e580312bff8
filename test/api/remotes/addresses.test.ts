import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { testSecret } from '../../support/test-secret.ts';
import { certificate, key, fields, valid } from '../../support/api/remote-inputs.ts';
import { fixture } from '../../support/upstream/fake-upstream.ts';
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
