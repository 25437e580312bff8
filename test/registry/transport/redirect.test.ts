import { describe, expect, test } from 'vitest';
import { blob, json } from '../../support/upstream/fake-upstream.ts';
import {
  blobOf,
  failure,
  fixtureCa,
  manifestOf,
  namesOf,
  openClient,
  openUpstream,
  publicLoopback,
  readBody,
} from '../open-client.ts';
import { testSecret } from '../../support/test-secret.ts';

const large = blobOf(200_000);
const redirect = (location: string) => ({ status: 307, headers: { location } });
const login = {
  username: 'user',
  password: testSecret('registry-password'),
  headers: { 'x-secret': testSecret('header'), cookie: 'c=1' },
};

describe.each([
  { way: 'this thread', threadsFrom: Number.POSITIVE_INFINITY },
  { way: 'a download thread', threadsFrom: 0 },
])('over $way', ({ threadsFrom }) => {
  test("fault 20: another host gets neither Authorization, cookies nor the remote's headers", async () => {
    const upstream = await openUpstream();
    const cdn = await openUpstream();
    const basic = { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    upstream.script(`GET ${large.path}`, basic, redirect(`${cdn.url}/blob?signature=x`));
    cdn.script('GET /blob?signature=x', blob(large.bytes));
    const body = await openClient(upstream, login, { threadsFrom }).fetch(large.key, { offset: 5 });
    expect(large.bytes.subarray(5).equals(await readBody(body))).toBe(true);
    expect(upstream.requests[1]?.headers).toMatchObject({
      'x-secret': login.headers['x-secret'],
      cookie: 'c=1',
      range: 'bytes=5-',
    });
    expect(upstream.requests[1]?.headers.authorization).toBeDefined();
    const seen = cdn.requests[0]?.headers ?? {};
    expect(['authorization', 'cookie', 'x-secret'].filter((name) => name in seen)).toEqual([]);
    expect(seen.range).toBe('bytes=5-');
    cdn.assertDone();
    upstream.assertDone();
  });

  test('fault 21: a 401 of another host is not answered', async () => {
    const upstream = await openUpstream();
    const cdn = await openUpstream();
    upstream.script(
      `GET ${large.path}`,
      { status: 401, headers: { 'www-authenticate': `Bearer realm="${upstream.url}/token"` } },
      redirect(`${cdn.url}/blob`),
    );
    upstream.script('GET /token', json({ token: 'registry-token' }));
    cdn.script('GET /blob', {
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${cdn.url}/token"` },
    });
    const error = await failure(openClient(upstream, login, { threadsFrom }).fetch(large.key));
    expect(error.code).toBe('UPSTREAM_UNAUTHORIZED');
    expect(cdn.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    cdn.assertDone();
    upstream.assertDone();
  });

  test('fault 22: a circle ends after ten hops', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, redirect(large.path));
    const error = await failure(openClient(upstream, {}, { threadsFrom }).fetch(large.key));
    expect(error.code).toBe('TOO_MANY_REDIRECTS');
    expect(upstream.requests).toHaveLength(11);
  });

  test('fault 23: https is not left for http', async () => {
    const upstream = await openUpstream({ tls: {} });
    const plain = await openUpstream();
    upstream.on(`GET ${large.path}`, redirect(`${plain.url}/blob`));
    const registry = openClient(upstream, { tls: { ca: fixtureCa } }, { threadsFrom });
    expect((await failure(registry.fetch(large.key))).code).toBe('UPSTREAM_REDIRECT_REFUSED');
    expect(plain.connections()).toBe(0);
  });

  test.each(['file:///etc/passwd', 'http://', 'http://user:pw@127.0.0.1/', ''])(
    'fault 23: the Location %j is refused',
    async (location) => {
      const upstream = await openUpstream();
      upstream.on(`GET ${large.path}`, redirect(location));
      expect((await failure(openClient(upstream, {}, { threadsFrom }).fetch(large.key))).code).toBe(
        'UPSTREAM_REDIRECT_REFUSED',
      );
    },
  );

  test('fault 23: a link-local address is refused also where the upstream is on loopback', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, redirect('http://169.254.169.254/latest/meta-data'));
    expect((await failure(openClient(upstream, {}, { threadsFrom }).fetch(large.key))).code).toBe(
      'ADDRESS_REFUSED',
    );
  });

  describe('from a public host', () => {
    test.each(['127.0.0.1', 'localhost', 'inner.example.com', '[::ffff:7f00:1]', '2130706433'])(
      'fault 23: %s, which is loopback, is refused',
      async (host) => {
        const upstream = await openUpstream({ host: '127.0.0.2' });
        const inner = await openUpstream();
        upstream.on(`GET ${large.path}`, redirect(`http://${host}:${inner.port}/blob`));
        const answers = {
          'registry.example.com': ['127.0.0.2'],
          'inner.example.com': ['127.0.0.1'],
          localhost: ['127.0.0.1'],
        };
        const registry = openClient(
          { url: `http://registry.example.com:${upstream.port}` },
          {},
          { threadsFrom, classify: publicLoopback, lookup: namesOf(answers) },
        );
        expect((await failure(registry.fetch(large.key))).code).toBe('ADDRESS_REFUSED');
        expect(inner.connections()).toBe(0);
      },
    );

    test('fault 23: a name that turns to loopback after its first answer (rebinding) is refused', async () => {
      const first = await openUpstream({ host: '127.0.0.2' });
      const cdnName = `http://cdn.example.com:${first.port}`;
      first.on(`GET ${large.path}`, redirect(`${cdnName}/blob`));
      first.on('GET /blob', (_request, response) => {
        response.writeHead(307, { location: `${cdnName}/again`, connection: 'close' }).end();
      });
      const answers = {
        'registry.example.com': ['127.0.0.2'],
        'cdn.example.com': ['127.0.0.2', '127.0.0.1'],
      };
      const registry = openClient(
        { url: `http://registry.example.com:${first.port}` },
        {},
        { threadsFrom, classify: publicLoopback, lookup: namesOf(answers) },
      );
      expect((await failure(registry.fetch(large.key))).code).toBe('ADDRESS_REFUSED');
      expect(first.requestsOf('GET /again')).toEqual([]);
    });
  });

  test('fault 24: an upstream on loopback is refused where that is not allowed', async () => {
    const upstream = await openUpstream();
    const registry = openClient(upstream, { allowPrivate: false }, { threadsFrom });
    expect((await failure(registry.fetch(large.key))).code).toBe('ADDRESS_REFUSED');
    expect((await failure(registry.getManifest('latest'))).code).toBe('ADDRESS_REFUSED');
    expect(upstream.connections()).toBe(0);
  });
});

const named = (url: string): string => url.replace('127.0.0.1', 'registry.corp.example');

describe('addresses that the operator lists (TIDEMARK_ALLOW_UPSTREAM)', () => {
  const lookup = namesOf({ 'registry.corp.example': ['127.0.0.1'] });

  test.each([0, Number.POSITIVE_INFINITY])(
    'a name that leads to one is reached, threads from %d bytes',
    async (threadsFrom) => {
      const upstream = await openUpstream();
      upstream.on(`GET ${large.path}`, blob(large.bytes));
      const client = (...allowAddresses: string[]) =>
        openClient(
          { url: named(upstream.url) },
          { allowPrivate: false, allowAddresses },
          { threadsFrom, lookup },
        );
      expect(large.bytes.equals(await readBody(await client('127.0.0.0/8').fetch(large.key)))).toBe(true);
      expect(large.bytes.equals(await readBody(await client('127.0.0.1').fetch(large.key)))).toBe(true);
      const before = upstream.connections();
      for (const rule of ['10.0.0.0/8', '127.0.0.1:1', 'elsewhere.example'])
        expect((await failure(client(rule).fetch(large.key))).code).toBe('ADDRESS_REFUSED');
      expect(upstream.connections()).toBe(before);
    },
  );

  test('fault 23: a redirect from a public host leads to none of them', async () => {
    const inside = await openUpstream();
    const upstream = await openUpstream({ host: '127.0.0.2' });
    upstream.on(`GET ${large.path}`, redirect(`${inside.url}/blob`));
    const registry = openClient(
      upstream,
      { allowPrivate: false, allowAddresses: ['127.0.0.0/8'] },
      { classify: publicLoopback },
    );
    expect((await failure(registry.fetch(large.key))).code).toBe('ADDRESS_REFUSED');
    expect(inside.connections()).toBe(0);
  });
});

test('messages hold neither credentials nor a signed query', async () => {
  const upstream = await openUpstream();
  const cdn = await openUpstream();
  upstream.on(`GET ${large.path}`, redirect(`${cdn.url}/blob?X-Amz-Signature=${testSecret('signature')}`));
  cdn.on('GET /blob', { status: 500 });
  const error = await failure(openClient(upstream, { ...login, maxRetries: 0 }).fetch(large.key));
  expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
  expect(error.message).toContain(`${cdn.url}/blob`);
  expect(error.message).not.toMatch(/test-secret/);
});

describe.each([0, Number.POSITIVE_INFINITY])(
  'the target of a redirect, threads from %d bytes',
  (threadsFrom) => {
    test.each([
      "/x?sig=it's(a)*b&se=1",
      '/x?a=%2F+/|^`"<>{}~%7e&b==',
      '/a%2Fb/%7Euser/a:b@c;d,e|^`"{}',
      '/x?',
      '/x?a=b?c=/../d',
      '?only=query',
    ])('goes out as it was written: %s', async (written) => {
      const upstream = await openUpstream();
      const cdn = await openUpstream({ fallback: blob(large.bytes) });
      upstream.on(`GET ${large.path}`, redirect(`${cdn.url}${written}#fragment`));
      const body = await openClient(upstream, {}, { threadsFrom }).fetch(large.key);
      expect(large.bytes.equals(await readBody(body))).toBe(true);
      expect(cdn.requests.map(({ path }) => path)).toEqual([
        written.startsWith('?') ? `/${written}` : written,
      ]);
    });

    test.each([
      ['/a/../x', '/x'],
      ['/a/%2e%2E/x', '/x'],
      ['/a\\x', '/a/x'],
      ['/\u00e9?\u00e9', '/%C3%A9?%C3%A9'],
    ])('is resolved where it must be: %j', async (written, asked) => {
      const upstream = await openUpstream();
      upstream.on(`GET ${large.path}`, redirect(written));
      upstream.on(`GET ${asked}`, blob(large.bytes));
      const body = await openClient(upstream, {}, { threadsFrom }).fetch(large.key);
      expect(large.bytes.equals(await readBody(body))).toBe(true);
    });
  },
);

test('a manifest may be redirected too', async () => {
  const upstream = await openUpstream();
  const { answer, digest } = manifestOf();
  upstream.on('GET /v2/library/app/manifests/latest', redirect('/elsewhere'));
  upstream.on('GET /elsewhere', answer);
  expect((await openClient(upstream).getManifest('latest'))?.digest).toBe(digest);
});
