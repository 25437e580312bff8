/** Tokens by realm, service and scope: what one request is refused says nothing about another. */
import { describe, expect, test } from 'vitest';
import { json } from '../../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from '../open-client.ts';
import {
  answer,
  digest,
  manifestPath,
  listPath,
  referrersPath,
  subject,
  login,
  tags,
  guard,
  serveTokens,
  tokensAsked,
  listAll,
} from '../../support/upstream/scoped-tokens.ts';

const basic = `Basic ${Buffer.from(`user:${login.password}`).toString('base64')}`;

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
