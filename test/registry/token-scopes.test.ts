/** Tokens by realm, service and scope: what one request is refused says nothing about another. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Authenticator } from '../../src/registry/auth/auth.ts';
import { fixedLogin } from '../../src/registry/auth/fixed-login.ts';
import type { Exchange, HttpRequest, HttpResponse } from '../../src/registry/transport/exchange.ts';
import { sendAuthorized } from '../../src/registry/auth/send-authorized.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';
import { failure, manifestOf, openClient, openUpstream } from './open-client.ts';

const { answer, digest } = manifestOf();
const manifestPath = '/v2/library/app/manifests/latest';
const listPath = '/v2/library/app/tags/list';
const referrersPath = `/v2/library/app/referrers/${digestBytes(Buffer.from('subject'))}`;
const subject = digestBytes(Buffer.from('subject'));
const login = { username: 'user', password: testSecret('registry-password') };
const basic = `Basic ${Buffer.from(`user:${login.password}`).toString('base64')}`;
const tags = json({ name: 'library/app', tags: ['latest'] });

/** Answers with what is there to the tokens of one scope, and challenges all others. */
function guard(upstream: FakeUpstream, path: string, scope: string, content: Answer): void {
  upstream.on(`GET ${path}`, (request, response) => {
    if (request.headers.authorization === `Bearer token-of-${scope}` && typeof content !== 'function') {
      response.writeHead(content.status ?? 200, content.headers as Record<string, string>).end(content.body);
      return;
    }
    const field = `Bearer realm="${upstream.url}/token",service="s",scope="${scope}"`;
    response.writeHead(401, { 'www-authenticate': field }).end();
  });
}

/** The token service; it refuses these scopes. */
function serveTokens(upstream: FakeUpstream, ...refused: string[]): void {
  upstream.on('GET /token', (request, response) => {
    const scope = new URL(request.url ?? '', upstream.url).searchParams.get('scope') ?? '';
    if (refused.includes(scope)) response.writeHead(403).end();
    else response.end(JSON.stringify({ token: `token-of-${scope}`, expires_in: 300 }));
  });
}

function tokensAsked(upstream: FakeUpstream): (string | null)[] {
  return upstream
    .requestsOf('GET /token')
    .map(({ path }) => new URL(path, upstream.url).searchParams.get('scope'));
}

async function listAll(registry: ReturnType<typeof openClient>): Promise<string[]> {
  const names: string[] = [];
  for await (const page of registry.listTags()) names.push(...page.names);
  return names;
}

describe('a refusal belongs to what was refused', () => {
  test.each([401, 403, 404, 429, 500, 503])(
    'cloudflare/serverless-registry#148: /v2/ with %i and another scope decides nothing',
    async (status) => {
      const upstream = await openUpstream();
      guard(upstream, manifestPath, 'app', answer);
      serveTokens(upstream, 'placeholder');
      const field = `Bearer realm="${upstream.url}/token",service="s",scope="placeholder"`;
      upstream.on('GET /v2/', { status, headers: { 'www-authenticate': field } });
      const registry = openClient(upstream, { ...login, maxRetries: 0 });
      await registry.findSignatureSource().catch(() => undefined);
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
      expect(tokensAsked(upstream)).toEqual(['app']);
      expect(upstream.requestsOf('GET /v2/').map(({ headers }) => headers.authorization)).toEqual([
        undefined,
      ]);
    },
  );

  test('a scope that the token service refuses is refused again without asking; other scopes are not', async () => {
    const upstream = await openUpstream();
    guard(upstream, listPath, 'list', tags);
    guard(upstream, manifestPath, 'app', answer);
    serveTokens(upstream, 'list');
    const registry = openClient(upstream, login);
    for (let round = 0; round < 3; round += 1) {
      expect((await failure(listAll(registry))).code).toBe('UPSTREAM_UNAUTHORIZED');
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    }
    expect(tokensAsked(upstream)).toEqual(['list', 'app']);
  });

  test('a refused scope is asked for again after a quarter of an hour', async () => {
    const upstream = await openUpstream();
    guard(upstream, manifestPath, 'app', answer);
    serveTokens(upstream, 'app');
    let nowMs = 0;
    const registry = openClient(upstream, login, { now: () => nowMs });
    await failure(registry.getManifest('latest'));
    serveTokens(upstream);
    nowMs = 15 * 60 * 1000;
    expect((await registry.getManifest('latest'))?.digest).toBe(digest);
  });

  test('goharbor/harbor#18305: Basic that is refused for referrers only is sent there once', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${referrersPath}`, {
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="harbor"' },
    });
    guard(upstream, manifestPath, 'app', answer);
    serveTokens(upstream);
    const registry = openClient(upstream, login);
    for (let round = 0; round < 3; round += 1) {
      expect((await failure(registry.listReferrers(subject))).code).toBe('UPSTREAM_UNAUTHORIZED');
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    }
    const asked = upstream.requestsOf(`GET ${referrersPath}`).map(({ headers }) => headers.authorization);
    expect(asked.filter((authorization) => authorization === basic)).toHaveLength(1);
  });

  test('Basic that is refused for referrers first is still sent with manifests', async () => {
    const upstream = await openUpstream();
    const field = { 'www-authenticate': 'Basic realm="r"' };
    upstream.on(`GET ${referrersPath}`, { status: 401, headers: field });
    upstream.script(`GET ${manifestPath}`, { status: 401, headers: field }, answer);
    const registry = openClient(upstream, login);
    await failure(registry.listReferrers(subject));
    expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    upstream.assertDone();
  });

  test('a token that one kind of request refuses stays in use for the others, and is renewed once for it', async () => {
    const upstream = await openUpstream();
    guard(upstream, manifestPath, 'app', answer);
    guard(upstream, referrersPath, 'app', { status: 401 });
    serveTokens(upstream);
    const field = `Bearer realm="${upstream.url}/token",service="s",scope="app"`;
    upstream.on(`GET ${referrersPath}`, { status: 401, headers: { 'www-authenticate': field } });
    const registry = openClient(upstream, login);
    for (let round = 0; round < 5; round += 1) {
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
      expect((await failure(registry.listReferrers(subject))).code).toBe('UPSTREAM_UNAUTHORIZED');
    }
    expect(tokensAsked(upstream).length).toBeLessThanOrEqual(2);
  });
});

describe('the challenge of each request decides', () => {
  test('a second challenge of another scope is answered, once', async () => {
    const upstream = await openUpstream();
    const field = (scope: string) => ({
      'www-authenticate': `Bearer realm="${upstream.url}/token",scope="${scope}"`,
    });
    upstream.on(
      'GET /token',
      (request, response) => void response.end(JSON.stringify({ token: 'x' + (request.url ?? '').length })),
    );
    upstream.script(
      `GET ${manifestPath}`,
      { status: 401, headers: field('a') },
      { status: 401, headers: field('bb') },
      answer,
    );
    upstream.script(
      `GET ${listPath}`,
      { status: 401, headers: field('a') },
      { status: 401, headers: field('bb') },
      { status: 401, headers: field('ccc') },
    );
    const registry = openClient(upstream, login);
    expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    expect((await failure(listAll(registry))).code).toBe('UPSTREAM_UNAUTHORIZED');
    expect(tokensAsked(upstream)).toEqual(['a', 'bb']);
    upstream.assertDone();
  });

  test('a token that has run out is renewed though the 401 names no challenge', async () => {
    const upstream = await openUpstream();
    const field = { 'www-authenticate': `Bearer realm="${upstream.url}/token"` };
    upstream.script(`GET ${manifestPath}`, { status: 401, headers: field }, answer, { status: 401 }, answer);
    upstream.script('GET /token', json({ token: 'one' }), json({ token: 'two' }));
    const registry = openClient(upstream);
    await registry.getManifest('latest');
    expect((await registry.getManifest('latest'))?.digest).toBe(digest);
    upstream.assertDone();
  });

  test.each([404, 403])(
    'a registry that hides manifests from the anonymous with %i is shown who asks',
    async (status) => {
      const upstream = await openUpstream();
      guard(upstream, listPath, 'app', tags);
      serveTokens(upstream);
      upstream.on(`GET ${manifestPath}`, (request, response) => {
        const isKnown = request.headers.authorization === 'Bearer token-of-app';
        response.writeHead(isKnown ? 200 : status, answer.headers as Record<string, string>);
        response.end(isKnown ? answer.body : '');
      });
      const registry = openClient(upstream, login);
      await listAll(registry);
      for (let round = 0; round < 2; round += 1)
        expect((await registry.getManifest('latest'))?.digest).toBe(digest);
      expect(upstream.requestsOf(`GET ${manifestPath}`)).toHaveLength(3);
    },
  );

  test('404 stands where a token of another kind is refused for it', async () => {
    const upstream = await openUpstream();
    guard(upstream, listPath, 'app', tags);
    serveTokens(upstream);
    upstream.on(`GET ${manifestPath}`, (request, response) => {
      response.writeHead(request.headers.authorization === undefined ? 404 : 403).end();
    });
    const registry = openClient(upstream, login);
    await listAll(registry);
    expect(await registry.getManifest('latest')).toBeUndefined();
    expect(await registry.getManifest('latest')).toBeUndefined();
    expect(upstream.requestsOf(`GET ${manifestPath}`)).toHaveLength(4);
  });
});

describe('twenty requests in flight, three scopes', () => {
  const kinds = ['tags/list', 'manifests/v1', 'referrers/x'];

  test('a thousand times: all are answered, and each token is asked for once until it is revoked', async () => {
    const { exchange, revoke, random, issued } = createRegistry(20_261_128);
    const authenticator = new Authenticator({
      logins: fixedLogin({}),
      defaultScope: 'default',
      realmRules: () => ({ registry: new URL('https://registry.test'), realmHosts: [], allowPrivate: false }),
      exchange,
    });
    const revoked = new Map<string, number>();
    for (let round = 0; round < 1_000; round += 1) {
      const scope = ['tags', 'manifests', 'referrers'][random(30)];
      if (scope !== undefined) {
        revoke(scope);
        revoked.set(scope, (revoked.get(scope) ?? 0) + 1);
      }
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const url = new URL(`https://registry.test/v2/app/${kinds[random(kinds.length)]}`);
          const sent = await sendAuthorized(
            exchange,
            authenticator,
            { method: 'GET', url, headers: {} },
            false,
          );
          return sent.status;
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    for (const [scope, count] of issued) expect(count).toBeLessThanOrEqual(1 + (revoked.get(scope) ?? 0));
    expect([...issued.keys()].sort()).toEqual(['manifests', 'referrers', 'tags']);
  });

  test('over connections: one token a scope', async () => {
    const upstream = await openUpstream();
    guard(upstream, listPath, 'list', tags);
    guard(upstream, manifestPath, 'app', answer);
    guard(upstream, referrersPath, 'referrers', json({ schemaVersion: 2, manifests: [] }));
    serveTokens(upstream);
    const registry = openClient(upstream, login);
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        Array.from({ length: 20 }, async (_, number) => {
          if (number % 3 === 0) expect(await listAll(registry)).toEqual(['latest']);
          else if (number % 3 === 1) expect((await registry.getManifest('latest'))?.digest).toBe(digest);
          else await registry.listReferrers(subject).catch(() => undefined);
        }),
      );
    expect(new Set(tokensAsked(upstream))).toEqual(new Set(['app', 'list', 'referrers']));
    expect(tokensAsked(upstream)).toHaveLength(3);
  });
});

function respond(
  request: HttpRequest,
  status: number,
  headers: HttpResponse['headers'] = {},
  text = '',
): HttpResponse {
  const body = (async function* () {
    await Promise.resolve();
    yield Buffer.from(text);
  })();
  return { status, headers, url: request.url, body, discard: async () => Promise.resolve() };
}

/** A registry as a function: a request waits a random time, and a token counts until the registry revokes it. */
function createRegistry(seed: number) {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
  const current = new Map<string, number>();
  const issued = new Map<string, number>();
  const exchange: Exchange = async (request) => {
    for (let turns = random(4); turns > 0; turns -= 1) await setImmediate();
    if (request.url.pathname === '/token') {
      const scope = request.url.searchParams.get('scope') ?? '';
      issued.set(scope, (issued.get(scope) ?? 0) + 1);
      return respond(
        request,
        200,
        {},
        JSON.stringify({ token: `${scope}-${current.get(scope) ?? 0}`, expires_in: 300 }),
      );
    }
    const scope = request.url.pathname.split('/')[3] ?? '';
    if (request.headers['authorization'] === `Bearer ${scope}-${current.get(scope) ?? 0}`)
      return respond(request, 200);
    const field = `Bearer realm="https://registry.test/token",service="s",scope="${scope}"`;
    return respond(request, 401, { 'www-authenticate': field });
  };
  const revoke = (scope: string): void => void current.set(scope, (current.get(scope) ?? 0) + 1);
  return { exchange, revoke, random, issued };
}
