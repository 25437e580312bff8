/** Tokens by realm, service and scope: what one request is refused says nothing about another. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Authenticator } from '../../../src/registry/auth/auth.ts';
import { fixedLogin } from '../../../src/registry/auth/fixed-login.ts';
import type { Exchange, HttpRequest, HttpResponse } from '../../../src/registry/transport/exchange.ts';
import { sendAuthorized } from '../../../src/registry/auth/send-authorized.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import { openClient, openUpstream } from '../open-client.ts';
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
