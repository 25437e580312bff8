import { expect, test, vi } from 'vitest';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { failure, manifestOf, openClient, openUpstream } from '../open-client.ts';
import { testSecret } from '../../support/test-secret.ts';

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
