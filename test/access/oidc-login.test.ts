/** Logins of browsers at an OIDC issuer, which is a real server here. */
import { generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testSecret } from '../support/test-secret.ts';
import { openBrowser } from './support/browser.ts';
import type { Browser } from './support/browser.ts';
import { now, startIssuer } from './support/issuer.ts';
import type { Issuer } from './support/issuer.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene } from './support/scene.ts';

const client = { clientId: 'tidemark-console', clientSecret: testSecret('oidc-client') };
const otherKeys = await generateKeyPair('RS256', { extractable: true });

let issuer: Issuer;
let scene: AccessScene;
beforeAll(async () => {
  issuer = await startIssuer(client);
  scene = await startAccessScene({
    logins: {
      tokens: true,
      oidc: {
        issuer: issuer.url,
        audience: 'tidemark-test',
        jwksUrl: undefined,
        groupsClaim: 'groups',
        client: { ...client, scopes: 'openid groups' },
      },
    },
  });
  await scene.api.sql(
    "insert into access_grant (role, scope, oidc_subject, oidc_group) values ('maintainer', 'crew/*', null, 'crew')",
  );
});
afterAll(async () => {
  await scene?.close();
  issuer?.close();
});
afterEach(() => {
  issuer.answer = undefined;
  issuer.idToken = {};
});

/** Where a navigation that another site causes leads to. */
const cross = { 'sec-fetch-site': 'cross-site' };

/** The browser is sent to the issuer. */
async function begin(browser: Browser, to?: string): Promise<string> {
  const path = to === undefined ? '/session/oidc' : `/session/oidc?to=${encodeURIComponent(to)}`;
  const answer = await browser.send({ path });
  expect(answer.status).toBe(303);
  return String(answer.headers.location);
}

/** The issuer sends it back. @returns where it continues. */
async function end(browser: Browser, back: URL): Promise<string> {
  const answer = await browser.send({ path: `${back.pathname}${back.search}`, headers: cross });
  expect(answer.status).toBe(303);
  expect(answer.headers['cache-control']).toBe('no-store');
  return String(answer.headers.location);
}

async function callerOf(browser: Browser): Promise<unknown> {
  const { body } = await browser.send({ path: '/session' });
  const { caller, csrf } = JSON.parse(body.toString()) as { caller: unknown; csrf: string | null };
  browser.csrf = csrf ?? '';
  return caller;
}

describe('a login at the issuer', () => {
  test('is an authorisation code flow with PKCE, state and nonce, and opens a session', async () => {
    issuer.idToken = { claims: { sub: 'carol', groups: ['crew'] } };
    const browser = openBrowser(scene.api.url);
    const { body } = await browser.send({ path: '/session' });
    expect(JSON.parse(body.toString())).toMatchObject({ login: 'tokens', oidc: { url: '/session/oidc' } });
    const answer = await browser.send({ path: '/session/oidc?to=/repositories/crew%2Fapp%3Ftab%3Dtags' });
    const [pending = ''] = answer.headers['set-cookie'] ?? [];
    expect(pending).toMatch(/^tidemark-login=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
    const url = new URL(String(answer.headers.location));
    expect(`${url.origin}${url.pathname}`).toBe(`${issuer.url}/authorize`);
    const asked = Object.fromEntries(url.searchParams);
    expect(asked).toMatchObject({
      response_type: 'code',
      client_id: client.clientId,
      scope: 'openid groups',
      redirect_uri: `${scene.api.url}/session/oidc/callback`,
      code_challenge_method: 'S256',
    });
    for (const name of ['code_challenge', 'state', 'nonce']) expect(asked[name]).toMatch(/^[\w-]{43}$/);
    const back = issuer.logIn(url.href);
    expect(await end(browser, back)).toBe('/repositories/crew/app?tab=tags');
    expect([...browser.cookies.keys()]).toEqual(['tidemark-session']);
    expect(await callerOf(browser)).toEqual({ name: 'carol', kind: 'subject' });
    const viewer = await browser.ask('{ viewer { kind roles { role scope } } }');
    expect(JSON.parse(viewer.body.toString())).toMatchObject({
      data: { viewer: { kind: 'SUBJECT', roles: [{ role: 'MAINTAINER', scope: 'crew/*' }] } },
    });
    for (const text of [client.clientSecret, back.searchParams.get('code') ?? '', pending.slice(15, 60)])
      expect(scene.api.logged()).not.toContain(text);
  });

  test('a grant that is deleted ends at the next request', async () => {
    issuer.idToken = { claims: { sub: 'dave' } };
    await scene.api.sql("insert into access_grant (role, scope, oidc_subject) values ('admin', '*', 'dave')");
    const browser = openBrowser(scene.api.url);
    await end(browser, issuer.logIn(await begin(browser)));
    await callerOf(browser);
    const isAdmin = async (): Promise<unknown> =>
      JSON.parse((await browser.ask('{ viewer { isAdmin } }')).body.toString());
    expect(await isAdmin()).toMatchObject({ data: { viewer: { isAdmin: true } } });
    await scene.api.sql("delete from access_grant where oidc_subject = 'dave'");
    expect(await isAdmin()).toMatchObject({ data: { viewer: { isAdmin: false } } });
  });

  test.each([
    ['//evil.example/', '/'],
    ['https://evil.example/', '/'],
    ['/\\evil.example/', '/'],
    ['/.//evil.example/', '/'],
    ['/a/..//evil.example/', '/'],
    ['/\t/evil.example/', '/'],
    ['relative', '/'],
    ['/tasks?state=FAILED#top', '/tasks?state=FAILED#top'],
  ])('continues on this server: %j at %s', async (to, expected) => {
    const browser = openBrowser(scene.api.url);
    expect(await end(browser, issuer.logIn(await begin(browser, to)))).toBe(expected);
  });
});

async function expectRefused(browser: Browser, back: URL, code: string): Promise<void> {
  expect(await end(browser, back)).toBe(`/login?error=${code}`);
  expect(browser.cookies.has('tidemark-session')).toBe(false);
  expect(browser.cookies.has('tidemark-login')).toBe(false);
  expect(await callerOf(browser)).toBeNull();
}

describe('a login is refused', () => {
  test.each<[string, (back: URL) => void]>([
    ['with another state', (back) => back.searchParams.set('state', 'a'.repeat(43))],
    ['without a state', (back) => back.searchParams.delete('state')],
    ['with another code', (back) => back.searchParams.set('code', 'nonsense')],
    [
      'when the person refuses',
      (back) => {
        back.searchParams.delete('code');
        back.searchParams.set('error', 'access_denied');
      },
    ],
  ])('%s', async (_, change) => {
    const browser = openBrowser(scene.api.url);
    const back = issuer.logIn(await begin(browser));
    change(back);
    await expectRefused(browser, back, 'OIDC_LOGIN_REFUSED');
  });

  test.each<[string, Issuer['idToken'], string]>([
    ['of another nonce', { claims: { nonce: 'other' } }, 'OIDC_LOGIN_REFUSED'],
    ['for another client', { claims: { aud: 'tidemark-test' } }, 'OIDC_LOGIN_REFUSED'],
    ['of another issuer', { claims: { iss: 'http://127.0.0.1:1' } }, 'OIDC_LOGIN_REFUSED'],
    ['that has expired', { claims: { exp: now() - 3_600 } }, 'OIDC_LOGIN_REFUSED'],
    ['signed with another key', { key: otherKeys.privateKey }, 'UNAUTHENTICATED'],
    ['with an empty subject', { claims: { sub: '' } }, 'UNAUTHENTICATED'],
  ])('with an ID token %s', async (_, idToken, code) => {
    issuer.idToken = idToken;
    const browser = openBrowser(scene.api.url);
    await expectRefused(browser, issuer.logIn(await begin(browser)), code);
  });

  test('in a browser that did not begin it (login CSRF)', async () => {
    const attacker = openBrowser(scene.api.url);
    const back = issuer.logIn(await begin(attacker));
    await expectRefused(openBrowser(scene.api.url), back, 'OIDC_LOGIN_EXPIRED');
    const other = openBrowser(scene.api.url);
    await begin(other);
    await expectRefused(other, back, 'OIDC_LOGIN_REFUSED');
  });

  test('with a cookie that this server did not encrypt', async () => {
    const browser = openBrowser(scene.api.url);
    const back = issuer.logIn(await begin(browser));
    const cookie = browser.cookies.get('tidemark-login') ?? '';
    browser.cookies.set('tidemark-login', `${cookie.slice(0, -4)}AAAA`);
    await expectRefused(browser, back, 'OIDC_LOGIN_EXPIRED');
  });

  test('a second time with the same answer', async () => {
    const browser = openBrowser(scene.api.url);
    const back = issuer.logIn(await begin(browser));
    const pending = browser.cookies.get('tidemark-login') ?? '';
    expect(await end(browser, back)).toBe('/');
    const again = openBrowser(scene.api.url);
    again.cookies.set('tidemark-login', pending);
    await expectRefused(again, back, 'OIDC_LOGIN_REFUSED');
  });

  test('while the issuer is down, and works again afterwards', async () => {
    const browser = openBrowser(scene.api.url);
    const back = issuer.logIn(await begin(browser));
    issuer.answer = (path) => (path === '/token' ? { status: 503, body: 'down' } : { status: 500, body: '' });
    expect(await end(browser, back)).toBe('/login?error=OIDC_UNAVAILABLE');
    issuer.answer = undefined;
    expect(await end(browser, issuer.logIn(await begin(browser)))).toBe('/');
  });
});
