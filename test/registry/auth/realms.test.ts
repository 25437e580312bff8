import { describe, expect, test } from 'vitest';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { failure, manifestOf, namesOf, openClient, openUpstream, publicLoopback } from '../open-client.ts';
import { testSecret } from '../../support/test-secret.ts';

const path = '/v2/library/app/manifests/latest';
const { answer, digest } = manifestOf();
const login = { username: 'user', password: testSecret('registry-password') };

function challenge(field: string, status = 401): Answer {
  return { status, headers: { 'www-authenticate': field } };
}

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
