import { describe, expect, test, vi } from 'vitest';
import { json } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { failure, manifestOf, namesOf, openClient, openUpstream, publicLoopback } from './open-client.ts';
import { testSecret } from '../support/test-secret.ts';

const path = '/v2/library/app/manifests/latest';
const { answer, digest } = manifestOf();
const login = { username: 'user', password: testSecret('registry-password') };
const basic = `Basic ${Buffer.from(`user:${login.password}`).toString('base64')}`;

function challenge(field: string, status = 401): Answer {
  return { status, headers: { 'www-authenticate': field } };
}

/** Hands the manifest to the one authorization, and the challenge to everybody else. */
function protect(upstream: FakeUpstream, authorization: string, field: string): void {
  upstream.on(`GET ${path}`, (request, response) => {
    const allowed = request.headers.authorization === authorization;
    const canned = allowed ? answer : { status: 401, headers: { 'www-authenticate': field }, body: '' };
    response.writeHead(canned.status ?? 200, canned.headers as Record<string, string>).end(canned.body);
  });
}

test('Basic is sent when it is asked for, and from then on', async () => {
  const upstream = await openUpstream();
  protect(upstream, basic, 'Basic realm="r"');
  const registry = openClient(upstream, login);
  expect((await registry.getManifest('latest'))?.digest).toBe(digest);
  await registry.getManifest('latest');
  expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic, basic]);
});

test('fault 19: a wrong password is tried once, also by later requests', async () => {
  const upstream = await openUpstream();
  protect(upstream, 'Basic other', 'Basic realm="r"');
  const registry = openClient(upstream, login);
  expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
  expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
  expect(upstream.requests.filter(({ headers }) => headers.authorization === basic)).toHaveLength(1);
});

test('fault 19: twenty requests at once try a wrong password once', async () => {
  const upstream = await openUpstream();
  protect(upstream, 'Basic other', 'Basic realm="r"');
  const registry = openClient(upstream, login);
  const errors = await Promise.all(
    Array.from({ length: 20 }, async () => failure(registry.getManifest('latest'))),
  );
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['UPSTREAM_UNAUTHORIZED']));
  expect(upstream.requests.filter(({ headers }) => headers.authorization === basic)).toHaveLength(1);
});

test('fault 19: a password that the token service refuses is sent there once', async () => {
  const upstream = await openUpstream();
  protect(upstream, 'Bearer never', `Bearer realm="${upstream.url}/token"`);
  upstream.on('GET /token', { status: 401 });
  const registry = openClient(upstream, login);
  for (let round = 0; round < 3; round += 1) {
    const error = await failure(registry.getManifest('latest'));
    expect(error.code).toBe('UPSTREAM_UNAUTHORIZED');
    expect(error.message).not.toContain('pass"');
  }
  expect(upstream.requestsOf('GET /token')).toHaveLength(1);
});

test('a Bearer token is asked for with service and scope, and kept', async () => {
  const upstream = await openUpstream();
  protect(
    upstream,
    'Bearer t1',
    `Bearer realm="${upstream.url}/token?a=b",service="reg",scope="repository:library/app:pull"`,
  );
  upstream.on('GET /token', json({ token: 't1', expires_in: 300 }));
  const registry = openClient(upstream, login);
  await registry.getManifest('latest');
  await registry.getManifest('latest');
  const [asked, ...more] = upstream.requestsOf('GET /token');
  expect(more).toEqual([]);
  expect(asked?.headers.authorization).toBe(basic);
  const query = new URL(asked?.path ?? '', upstream.url).searchParams;
  expect(Object.fromEntries(query)).toEqual({ a: 'b', service: 'reg', scope: 'repository:library/app:pull' });
});

test('fault 17: twenty requests at once ask for one token', async () => {
  const upstream = await openUpstream();
  protect(upstream, 'Bearer t1', `Bearer realm="${upstream.url}/token"`);
  upstream.on('GET /token', json({ token: 't1' }));
  const registry = openClient(upstream);
  await Promise.all(Array.from({ length: 20 }, async () => registry.getManifest('latest')));
  expect(upstream.requestsOf('GET /token')).toHaveLength(1);
});

test('fault 17: a token is renewed before it expires, by a clock that does not jump', async () => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, challenge(`Bearer realm="${upstream.url}/token"`), answer);
  upstream.on('GET /token', json({ token: 't1', expires_in: 0 }), json({ token: 't2' }));
  let nowMs = 0;
  const registry = openClient(upstream, {}, { now: () => nowMs });
  await registry.getManifest('latest');
  nowMs = 40_000;
  await registry.getManifest('latest');
  nowMs = 55_000;
  await registry.getManifest('latest');
  expect(upstream.requestsOf(`GET ${path}`).map(({ headers }) => headers.authorization)).toEqual([
    undefined,
    'Bearer t1',
    'Bearer t1',
    'Bearer t2',
  ]);
});

test.each([24, -24])(
  'fault 118: the day jumps by %i hours, and a token lives as long as it said',
  async (hours) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, challenge(`Bearer realm="${upstream.url}/token"`), answer);
    upstream.on('GET /token', json({ token: 't1', expires_in: 300 }));
    const registry = openClient(upstream);
    await registry.getManifest('latest');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 60 * 60 * 1_000 });
    try {
      await registry.getManifest('latest');
    } finally {
      vi.useRealTimers();
    }
    expect(upstream.requestsOf('GET /token')).toHaveLength(1);
  },
);

test('fault 17: a token that is refused in the middle is renewed once', async () => {
  const upstream = await openUpstream();
  const field = `Bearer realm="${upstream.url}/token"`;
  upstream.script(
    `GET ${path}`,
    challenge(field),
    answer,
    challenge(`${field},error="invalid_token"`),
    answer,
  );
  upstream.script('GET /token', json({ access_token: 't1' }), json({ token: 't2' }));
  const registry = openClient(upstream);
  await registry.getManifest('latest');
  expect((await registry.getManifest('latest'))?.digest).toBe(digest);
  upstream.assertDone();
});

test('fault 17: insufficient_scope gets a token of the scope that is named', async () => {
  const upstream = await openUpstream();
  const field = `Bearer realm="${upstream.url}/token"`;
  upstream.script(
    `GET ${path}`,
    challenge(field),
    challenge(`${field},scope="wide",error="insufficient_scope"`, 403),
    answer,
  );
  upstream.script('GET /token', json({ token: 't1' }), json({ token: 't2' }));
  expect((await openClient(upstream).getManifest('latest'))?.digest).toBe(digest);
  expect(upstream.requestsOf('GET /token')[1]?.path).toContain('scope=wide');
  upstream.assertDone();
});

test('fault 18: two clients of one host send their own credentials and tokens', async () => {
  const upstream = await openUpstream();
  upstream.on('GET /token', (request, response) => {
    const user = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64')
      .toString()
      .split(':')[0];
    response.end(JSON.stringify({ token: `token-of-${user}` }));
  });
  upstream.on(`GET ${path}`, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${upstream.url}/token",scope="s"` }).end();
    else response.writeHead(200, answer.headers as Record<string, string>).end(answer.body);
  });
  const clients = ['ann', 'bob'].map((username) =>
    openClient(upstream, { username, password: 'x', headers: { 'x-who': username } }),
  );
  await Promise.all([...clients, ...clients].map(async (registry) => registry.getManifest('latest')));
  const pairs = upstream.requests
    .filter(({ headers }) => headers.authorization?.startsWith('Bearer') === true)
    .map(({ headers }) => `${String(headers['x-who'])} ${headers.authorization}`);
  expect(new Set(pairs)).toEqual(new Set(['ann Bearer token-of-ann', 'bob Bearer token-of-bob']));
});

test.each([
  'Bearer realm="http://127.0.0.1/token',
  'Bearer service="x"',
  'Bearer realm=""',
  'Negotiate',
  'Digest realm="r", nonce="n"',
  '"',
  '= = =',
])('fault 12: the challenge %j is UPSTREAM_AUTH_INVALID', async (field) => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, challenge(field));
  expect((await failure(openClient(upstream, login).getManifest('latest'))).code).toBe(
    'UPSTREAM_AUTH_INVALID',
  );
  expect(upstream.requests).toHaveLength(1);
});

test('fault 12: of two challenges in one field the Bearer is answered', async () => {
  const upstream = await openUpstream();
  upstream.script(
    `GET ${path}`,
    challenge(`Basic realm="a, b=c", Bearer realm="${upstream.url}/token?x=y=z", scope="a,b"`),
    answer,
  );
  upstream.script('GET /token', json({ token: 't' }));
  expect((await openClient(upstream).getManifest('latest'))?.digest).toBe(digest);
  upstream.assertDone();
});

test.each<{ name: string; reply: Answer }>([
  { name: 'a web page', reply: { headers: { 'content-type': 'text/html' }, body: '<html>' } },
  { name: 'no JSON', reply: { body: 'token' } },
  { name: 'neither field', reply: json({ expires_in: 60 }) },
  { name: 'more than 1 MiB', reply: json({ token: 'x'.repeat(10 * 1024 * 1024) }) },
  { name: 'a token that would end its header', reply: json({ token: 'a\r\nx: y' }) },
])('fault 16: a token reply with $name is UPSTREAM_AUTH_INVALID', async ({ reply }) => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, challenge(`Bearer realm="${upstream.url}/token"`));
  upstream.on('GET /token', reply);
  expect((await failure(openClient(upstream).getManifest('latest'))).code).toBe('UPSTREAM_AUTH_INVALID');
});

async function publicUpstream(): Promise<FakeUpstream & { publicUrl: string }> {
  const upstream = await openUpstream({ host: '127.0.0.2' });
  return Object.assign(upstream, { publicUrl: `http://registry.example.com:${upstream.port}` });
}

describe('realms', () => {
  test('fault 13: a realm of another registrable domain gets nothing', async () => {
    const upstream = await publicUpstream();
    const settings = {
      classify: publicLoopback,
      lookup: namesOf({ 'registry.example.com': ['127.0.0.2'], 'evil.test': ['127.0.0.2'] }),
    };
    upstream.script(`GET ${path}`, challenge(`Bearer realm="http://evil.test:${upstream.port}/token"`));
    const error = await failure(
      openClient({ url: upstream.publicUrl }, login, settings).getManifest('latest'),
    );
    expect(error.code).toBe('UPSTREAM_REALM_REFUSED');
    expect(error.message).toContain('evil.test');
    upstream.assertDone();
  });

  test.each([
    { name: 'a sister name', host: 'auth.example.com', options: {} },
    { name: 'a name that the remote allows', host: 'tokens.test', options: { realmHosts: ['tokens.test'] } },
  ])('fault 13: $name may be asked', async ({ host, options }) => {
    const upstream = await publicUpstream();
    const settings = {
      classify: publicLoopback,
      lookup: namesOf({ 'registry.example.com': ['127.0.0.2'], [host]: ['127.0.0.2'] }),
    };
    upstream.script(`GET ${path}`, challenge(`Bearer realm="http://${host}:${upstream.port}/token"`), answer);
    upstream.script('GET /token', json({ token: 't' }));
    const registry = openClient({ url: upstream.publicUrl }, { ...login, ...options }, settings);
    expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    upstream.assertDone();
  });

  test.each([
    'http://169.254.169.254/latest',
    'http://127.0.0.1/t',
    'http://localhost/t',
    'http://[::ffff:127.0.0.1]/t',
    'http://0.0.0.0/t',
    'http://2130706433/t',
    'http://0177.0.0.1/t',
    'http://10.0.0.1/t',
    'http://[::1]/t',
    'http://[fe80::1]/t',
    'http://[64:ff9b::a9fe:a9fe]/t',
    'file:///etc/passwd',
    'gopher://registry.example.com/',
    'nonsense',
    'http://user:pass@registry.example.com/',
  ])('fault 14: the realm %s is refused before anything is sent', async (realm) => {
    const upstream = await publicUpstream();
    upstream.script(`GET ${path}`, challenge(`Bearer realm="${realm}"`));
    const settings = { classify: publicLoopback, lookup: namesOf({ 'registry.example.com': ['127.0.0.2'] }) };
    const registry = openClient(
      { url: upstream.publicUrl },
      { ...login, realmHosts: ['localhost'] },
      settings,
    );
    expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_REALM_REFUSED');
    upstream.assertDone();
  });

  test('fault 14: metadata is refused also where the registry itself is on loopback', async () => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}`, challenge('Bearer realm="http://169.254.169.254/token"'));
    expect((await failure(openClient(upstream, login).getManifest('latest'))).code).toBe(
      'UPSTREAM_REALM_REFUSED',
    );
    upstream.assertDone();
  });

  test('fault 14: a sister name that leads to loopback is refused when it is resolved', async () => {
    const upstream = await publicUpstream();
    const inner = await openUpstream();
    const settings = {
      classify: publicLoopback,
      lookup: namesOf({ 'registry.example.com': ['127.0.0.2'], 'auth.example.com': ['127.0.0.1'] }),
    };
    upstream.script(`GET ${path}`, challenge(`Bearer realm="http://auth.example.com:${inner.port}/token"`));
    expect(
      (await failure(openClient({ url: upstream.publicUrl }, login, settings).getManifest('latest'))).code,
    ).toBe('UPSTREAM_REALM_REFUSED');
    expect(inner.connections()).toBe(0);
  });

  test('fault 15: a token service that redirects to a private address is not followed', async () => {
    const upstream = await publicUpstream();
    const inner = await openUpstream();
    upstream.script(`GET ${path}`, challenge(`Bearer realm="${upstream.publicUrl}/token"`));
    upstream.script('GET /token', { status: 307, headers: { location: `${upstream.publicUrl}/token2` } });
    upstream.script('GET /token2', { status: 307, headers: { location: `${inner.url}/secret` } });
    const settings = { classify: publicLoopback, lookup: namesOf({ 'registry.example.com': ['127.0.0.2'] }) };
    expect(
      (await failure(openClient({ url: upstream.publicUrl }, login, settings).getManifest('latest'))).code,
    ).toBe('UPSTREAM_REALM_REFUSED');
    expect(inner.connections()).toBe(0);
    upstream.assertDone();
  });

  test('fault 14: http after https is refused', async () => {
    const upstream = await openUpstream({ tls: {} });
    upstream.script(`GET ${path}`, challenge('Bearer realm="http://127.0.0.1/token"'));
    const registry = openClient(upstream, { ...login, tls: { rejectUnauthorized: false } });
    expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_REALM_REFUSED');
  });
});
