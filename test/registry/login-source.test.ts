/** Logins that expire: renewed in time, once after a refusal, and never again and again. */
import { describe, expect, test } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { createLoginCache } from '../../src/access/credentials/login-cache.ts';
import type { LoginSource, RegistryLogin } from '../../src/oci/hosts/registry-login.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';
import { failure, manifestOf, openClient, openUpstream } from './open-client.ts';

const path = '/v2/library/app/manifests/latest';
const { answer, digest } = manifestOf();
const minuteMs = 60_000;

/** Passwords that live a minute each, on a clock of the test. */
function openLogins(lifeMs: number, sameForEver = false) {
  let nowMs = 0;
  let count = 0;
  const cache = createLoginCache(() => nowMs);
  const issued = new Map<string, number>();
  const provide = () => {
    if (!sameForEver || count === 0) count += 1;
    const password = testSecret(`login-${count}`);
    issued.set(password, nowMs + lifeMs);
    return Promise.resolve({ login: { kind: 'basic', username: 'u', password } as const, lifeMs });
  };
  const logins: LoginSource = {
    get: () => cache.get('key', provide),
    drop: (login: RegistryLogin) => {
      cache.drop('key', login);
      return true;
    },
  };
  return {
    logins,
    now: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** What the registry does to a login before its time. */
    revokeAll: () => issued.clear(),
    isValid: (authorization: string | undefined) => {
      const text = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
      return nowMs < (issued.get(text.slice(2)) ?? -1);
    },
    count: () => count,
  };
}

type Logins = ReturnType<typeof openLogins>;

function protectByBasic(upstream: FakeUpstream, { isValid }: Logins): void {
  upstream.on(`GET ${path}`, (request, response) => {
    if (isValid(request.headers.authorization))
      response.writeHead(200, answer.headers as Record<string, string>).end(answer.body);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  });
}

/** Tokens of the token service live as long as the login does. */
function protectByBearer(upstream: FakeUpstream, { isValid, now }: Logins): void {
  const tokens = new Map<string, number>();
  upstream.on('GET /token', (request, response) => {
    if (!isValid(request.headers.authorization)) return void response.writeHead(401).end();
    const token = `token-${tokens.size}`;
    tokens.set(`Bearer ${token}`, now() + minuteMs);
    response.writeHead(200).end(JSON.stringify({ token, expires_in: 60 }));
  });
  upstream.on(`GET ${path}`, (request, response) => {
    if (now() < (tokens.get(request.headers.authorization ?? '') ?? -1))
      response.writeHead(200, answer.headers as Record<string, string>).end(answer.body);
    else response.writeHead(401, { 'www-authenticate': `Bearer realm="${upstream.url}/token"` }).end();
  });
}

describe.each([
  ['Basic', protectByBasic],
  ['Bearer', protectByBearer],
] as const)('%s', (_, protect) => {
  test('a login of a minute lasts for ten minutes of requests, and none of them is refused', async () => {
    const upstream = await openUpstream();
    const scene = openLogins(minuteMs);
    protect(upstream, scene);
    const registry = openClient(upstream, { logins: scene.logins }, { now: scene.now });
    await registry.getManifest('latest');
    const refusedAtFirst = upstream.requests.length;
    for (let second = 0; second < 600; second += 5) {
      scene.pass(5_000);
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    }
    expect(scene.count()).toBeGreaterThanOrEqual(10);
    expect(scene.count()).toBeLessThanOrEqual(14);
    // besides the first challenge, each request for the manifest was answered at once
    expect(upstream.requestsOf(`GET ${path}`)).toHaveLength(121 + 1);
    expect(refusedAtFirst).toBeGreaterThan(1);
  });

  test('a login that is revoked before its time is renewed once, for twenty requests at once', async () => {
    const upstream = await openUpstream();
    const scene = openLogins(60 * minuteMs);
    protect(upstream, scene);
    const registry = openClient(upstream, { logins: scene.logins }, { now: scene.now });
    await registry.getManifest('latest');
    scene.revokeAll();
    scene.pass(2 * minuteMs);
    const found = await Promise.all(Array.from({ length: 20 }, () => registry.getManifest('latest')));
    expect(found.map((document) => document?.digest)).toEqual(Array.from({ length: 20 }, () => digest));
    expect(scene.count()).toBe(2);
  });

  test('logins that are all refused are renewed once, and then no more sent', async () => {
    const upstream = await openUpstream();
    const scene = openLogins(60 * minuteMs);
    protect(upstream, { ...scene, isValid: () => false });
    const registry = openClient(upstream, { logins: scene.logins }, { now: scene.now });
    for (let round = 0; round < 3; round += 1)
      expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
    expect(scene.count()).toBe(2);
    const shown = upstream.requests.filter(({ headers }) => headers.authorization?.startsWith('Basic '));
    expect(shown).toHaveLength(2);
  });

  test('fault 19: a login that comes again the same is sent once', async () => {
    const upstream = await openUpstream();
    const scene = openLogins(60 * minuteMs, true);
    protect(upstream, { ...scene, isValid: () => false });
    const registry = openClient(upstream, { logins: scene.logins }, { now: scene.now });
    expect((await failure(registry.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
    const shown = upstream.requests.filter(({ headers }) => headers.authorization?.startsWith('Basic '));
    expect(shown).toHaveLength(1);
  });
});

describe('an identity token', () => {
  const token = testSecret('identity');
  const logins: LoginSource = {
    get: () => Promise.resolve({ kind: 'identityToken', token }),
    drop: () => false,
  };

  test('is posted to the token service, and never sent to the registry', async () => {
    const upstream = await openUpstream();
    upstream.on('POST /token', json({ access_token: 'a1', expires_in: 300 }));
    upstream.on(`GET ${path}`, (request, response) => {
      if (request.headers.authorization === 'Bearer a1')
        response.writeHead(200, answer.headers as Record<string, string>).end(answer.body);
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${upstream.url}/token"` }).end();
    });
    expect((await openClient(upstream, { logins }).getManifest('latest'))?.digest).toBe(digest);
    expect(upstream.requestsOf('GET /token')).toEqual([]);
  });

  test('is not redirected', async () => {
    const [upstream, other] = [await openUpstream(), await openUpstream()];
    upstream.on('POST /token', { status: 307, headers: { location: `${other.url}/token` } });
    upstream.on(`GET ${path}`, {
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${upstream.url}/token"` },
    });
    const error = await failure(openClient(upstream, { logins }).getManifest('latest'));
    expect(error.code).toBe('UPSTREAM_UNEXPECTED_STATUS');
    expect(other.requests).toEqual([]);
  });

  test('is of no use for Basic', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } });
    const error = await failure(openClient(upstream, { logins }).getManifest('latest'));
    expect(error.code).toBe('UPSTREAM_UNAUTHORIZED');
    expect(upstream.requests).toHaveLength(1);
  });
});

test('a signature store that asks for a login gets none', async () => {
  const upstream = await openUpstream();
  const store = await openUpstream({
    fallback: { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } },
  });
  const registry = openClient(upstream, {
    logins: openLogins(minuteMs).logins,
    signatureStore: { url: `${store.url}/sigs`, allowPrivate: true },
  });
  const signatures = registry.readSignatures('STORE', digestBytes(Buffer.from('signed')));
  expect((await failure(signatures[Symbol.asyncIterator]().next())).code).toBe('UPSTREAM_UNAUTHORIZED');
  expect(store.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
});
