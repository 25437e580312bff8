/** Sessions of browsers: how they begin and end, and that other sites cannot use them (fault 87). */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToken } from '../../src/access/token.ts';
import { sweepSessions } from '../../src/api/sweep.ts';
import { sessionsPerCaller } from '../../src/db/access/access-sessions.ts';
import { startApi } from '../support/api/api-server.ts';
import { createWatchedLogger } from '../support/test-secret.ts';
import { openBrowser } from './support/browser.ts';
import type { Browser } from './support/browser.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene } from './support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene({ config: { temporalUiUrl: 'http://127.0.0.1:8233' } });
});
afterAll(() => scene?.close());

const who = '{ viewer { name kind } }';

// the tests know what they asked for
// oxlint-disable-next-line typescript/no-explicit-any
function parse({ body }: { readonly body: Buffer }): any {
  return JSON.parse(body.toString());
}

async function logInAs(name: string): Promise<{ browser: Browser; token: string }> {
  const token = await scene.makeToken(name, [{ role: 'reader', scope: 'team/*' }]);
  const browser = openBrowser(scene.api.url);
  expect((await browser.logIn(token)).status).toBe(200);
  return { browser, token };
}

const secretOf = (browser: Browser): string => browser.cookies.get('tidemark-session') ?? '';

describe('a login with a token', () => {
  test('sets a cookie that no script can read, and answers who is logged in', async () => {
    const token = await scene.makeToken('ann', []);
    const browser = openBrowser(scene.api.url);
    const before = await browser.send({ path: '/session' });
    expect(before.headers['set-cookie']).toBeUndefined();
    expect(parse(before)).toEqual({
      login: 'tokens',
      caller: null,
      csrf: null,
      oidc: null,
      temporalUiUrl: null,
      version: '0.0.0-test',
    });
    const answer = await browser.logIn(` ${token}\n`);
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^tidemark-session=[\w-]{43}; Path=\/; Max-Age=43\d{3}; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(parse(answer)).toMatchObject({
      caller: { name: 'ann', kind: 'token' },
      csrf: expect.stringMatching(/^[\w-]{43}$/),
      temporalUiUrl: 'http://127.0.0.1:8233',
    });
    expect(parse(await browser.send({ path: '/session' }))).toEqual(parse(answer));
    expect(parse(await browser.ask(who))).toMatchObject({ data: { viewer: { name: 'ann', kind: 'TOKEN' } } });
  });

  test('stores only the hash of the secret, and logs neither secret nor token', async () => {
    const { browser, token } = await logInAs('bea');
    await browser.ask(who);
    const secret = secretOf(browser);
    const rows = await scene.api.sql(
      'select hash, expires_at - created_at <= $1 as short from access_session where hash = $2',
      ['12 hours', createHash('sha256').update(secret).digest()],
    );
    expect(rows).toMatchObject([{ short: true }]);
    const all = JSON.stringify(await scene.api.sql('select s::text as row from access_session s'));
    for (const text of [secret, token, browser.csrf]) {
      expect(all).not.toContain(text);
      expect(scene.api.logged()).not.toContain(text);
    }
  });

  test.each<[string, object, number, string]>([
    ['an unknown token', { token: `tidemark_${'a'.repeat(43)}` }, 401, 'UNAUTHENTICATED'],
    ['another text', { token: 'hello world' }, 401, 'UNAUTHENTICATED'],
    ['no token', {}, 400, 'BAD_REQUEST'],
    ['a token that is no text', { token: 7 }, 400, 'BAD_REQUEST'],
  ])('is refused with %s', async (_, body, status, code) => {
    const browser = openBrowser(scene.api.url);
    const answer = await browser.send({ method: 'POST', path: '/session', body });
    expect({ status: answer.status, body: parse(answer) }).toMatchObject({
      status,
      body: { errors: [{ extensions: { code } }] },
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test('is refused as the API refuses the token', async () => {
    const token = `tidemark_${'b'.repeat(43)}`;
    const browser = openBrowser(scene.api.url);
    const { errors } = await scene.api.graphql('{ __typename }', {}, token);
    expect(parse(await browser.logIn(token))).toEqual({ errors });
  });

  test('replaces the session that the browser has', async () => {
    const { browser, token } = await logInAs('cleo');
    const earlier = secretOf(browser);
    await browser.logIn(token);
    const stale = await browser.ask(who, { cookie: `tidemark-session=${earlier}` });
    expect(secretOf(browser)).not.toBe(earlier);
    // its csrf value is another session's, too
    expect(stale.status).toBe(403);
  });

  test(`keeps the newest ${sessionsPerCaller} sessions of a caller`, async () => {
    const { browser, token } = await logInAs('dora');
    for (let count = 0; count < sessionsPerCaller; count += 1) await openBrowser(scene.api.url).logIn(token);
    expect((await browser.ask(who)).status).toBe(401);
    const rows = await scene.api.sql(
      "select count(*)::int as count from access_session where token_id = (select id from access_token where name = 'dora')",
    );
    expect(rows).toEqual([{ count: sessionsPerCaller }]);
  });
});

async function expectEnded(browser: Browser): Promise<void> {
  const answer = await browser.ask(who);
  expect({ status: answer.status, body: parse(answer) }).toMatchObject({
    status: 401,
    body: { errors: [{ message: 'The session of this browser has ended. Log in again.' }] },
  });
  expect(parse(await browser.send({ path: '/session' }))).toMatchObject({ caller: null, csrf: null });
  expect(browser.cookies.size).toBe(0);
}

describe('a session ends', () => {
  test('with DELETE, and its row is deleted', async () => {
    const { browser } = await logInAs('eve');
    const cookie = browser.cookieHeader();
    const hash = createHash('sha256').update(secretOf(browser)).digest();
    expect((await browser.send({ method: 'DELETE', path: '/session' })).status).toBe(204);
    expect(browser.cookies.size).toBe(0);
    expect(await scene.api.sql('select from access_session where hash = $1', [hash])).toEqual([]);
    expect((await browser.ask(who, { cookie })).status).toBe(401);
  });

  test('at once when its token is revoked', async () => {
    const { browser } = await logInAs('flo');
    const [row] = await scene.api.sql("select id from access_token where name = 'flo'");
    const id = Buffer.from(`Token:${String(row?.['id'])}`).toString('base64url');
    const revoked = await scene.api.graphql(
      'mutation ($id: ID!) { tokenRevoke(input: { id: $id }) { userErrors { message } } }',
      { id },
      scene.tokens.root,
    );
    expect(revoked.data).toEqual({ tokenRevoke: { userErrors: [] } });
    expect(await scene.api.sql('select from access_session where token_id = $1', [row?.['id']])).toEqual([]);
    await expectEnded(browser);
  });

  test('when its token expires, which is never after the token', async () => {
    const token = await scene.makeToken('gil', []);
    await scene.api.sql("update access_token set expires_at = now() + interval '1 hour' where name = 'gil'");
    const browser = openBrowser(scene.api.url);
    const [cookie = ''] = (await browser.logIn(token)).headers['set-cookie'] ?? [];
    expect(Number(/Max-Age=(\d+)/.exec(cookie)?.[1])).toBeLessThanOrEqual(3_600);
    await scene.api.sql("update access_token set expires_at = now() where name = 'gil'");
    await expectEnded(browser);
  });

  test('when it expires, and the sweep removes its row', async () => {
    const { browser } = await logInAs('hal');
    await scene.api.sql(
      "update access_session set expires_at = now() where token_id = (select id from access_token where name = 'hal')",
    );
    await expectEnded(browser);
    await sweepSessions({ database: scene.api.database, logger: createWatchedLogger().logger });
    expect(await scene.api.sql('select from access_session where expires_at <= now()')).toEqual([]);
  });

  test('a use is recorded', async () => {
    const { browser } = await logInAs('ivy');
    const own = "token_id = (select id from access_token where name = 'ivy')";
    await scene.api.sql(`update access_session set used_at = now() - interval '2 minutes' where ${own}`);
    await browser.ask(who);
    expect(
      await scene.api.sql(
        `select used_at > now() - interval '1 minute' as fresh from access_session where ${own}`,
      ),
    ).toEqual([{ fresh: true }]);
  });
});

test('behind a TLS proxy the cookie is Secure, and only https pages use it', async () => {
  const api = await startApi({
    logins: { tokens: true, oidc: undefined },
    config: { publicUrl: 'https://registry.example' },
  });
  try {
    const made = await createToken(api.database.em.fork(), { name: 'tls', expiresInDays: 1, grants: [] });
    const browser = openBrowser(api.url);
    const proxied = { host: 'registry.example', origin: 'https://registry.example' };
    const answer = await browser.send({
      method: 'POST',
      path: '/session',
      body: { token: made?.text },
      headers: proxied,
    });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-tidemark-session=.*; Path=\/; .*HttpOnly; SameSite=Strict; Secure$/);
    browser.csrf = (parse(answer) as { csrf: string }).csrf;
    expect((await browser.ask(who, proxied)).status).toBe(200);
    expect((await browser.ask(who, { ...proxied, origin: 'http://registry.example' })).status).toBe(403);
  } finally {
    await api.close();
  }
});

test('while logins are off everybody is logged in, and nothing is kept', async () => {
  const api = await startApi();
  try {
    const browser = openBrowser(api.url);
    const answer = await browser.logIn('anything');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(parse(answer)).toMatchObject({
      login: 'none',
      caller: { kind: 'everybody' },
      csrf: null,
    });
    const stale = { cookie: `tidemark-session=${'a'.repeat(43)}`, 'x-tidemark-csrf': null };
    expect((await browser.ask(who, stale)).status).toBe(200);
    expect(await api.sql('select from access_session')).toEqual([]);
  } finally {
    await api.close();
  }
});
