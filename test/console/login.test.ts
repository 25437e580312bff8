/** Logins in a browser: a token opens a session, and a reader is offered nothing that the server refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { createToken } from '../../src/access/token.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { startIssuer } from '../access/support/issuer.ts';
import type { Issuer } from '../access/support/issuer.ts';
import { testSecret } from '../support/test-secret.ts';
import { skipWithout } from '../interop/peers.ts';
import { findViolations } from './support/axe.ts';
import { openConsole } from './support/console-stack.ts';
import type { ConsoleStack } from './support/console-stack.ts';
import { createWorld, mirrorWorld } from '../../src/demo/sample-estate.ts';

const reading = [
  '/',
  '/repositories',
  '/repositories/mirror/nginx',
  '/repositories/mirror/nginx?tab=tags',
  '/repositories/mirror/nginx?tab=pull',
  '/remotes',
  '/rules',
  '/rules/shop',
  '/credentials',
  '/distributions',
  '/schedules',
  '/policies',
  '/tasks',
  '/upkeep',
];
const changing =
  /^(New |Sync…|Restore|Cancel the|Pause|Resume|Run |Clean up|Count what|Verify|Revoke|Delete|Detach|Save|Preview|Edit)/;

describe.skipIf(skipWithout('chromium'))('logins', () => {
  let upstream: SampleUpstream;
  let console: ConsoleStack;
  const client = { clientId: 'tidemark-console', clientSecret: testSecret('oidc-console') };
  let issuer: Issuer;
  let admin = '';
  let reader = '';

  beforeAll(async () => {
    const world = createWorld(20);
    issuer = await startIssuer(client);
    upstream = await startSampleUpstream({ repositories: world.repositories });
    console = await openConsole(
      {
        TIDEMARK_AUTH: 'tokens,oidc',
        TIDEMARK_ALLOW_UPSTREAM: '127.0.0.1',
        TIDEMARK_OIDC_ISSUER: issuer.url,
        TIDEMARK_OIDC_AUDIENCE: 'tidemark-test',
        TIDEMARK_OIDC_CLIENT_ID: client.clientId,
        TIDEMARK_OIDC_CLIENT_SECRET: client.clientSecret,
        TIDEMARK_OIDC_SCOPES: 'openid groups',
      },
      () => admin,
    );
    const create = async (name: string, role: 'admin' | 'reader') => {
      const made = await createToken(console.stack.em(), {
        name,
        expiresInDays: 1,
        grants: [{ role, scope: '*' }],
      });
      if (made === undefined) throw new Error(`A token ${name} exists already.`);
      return made.text;
    };
    admin = await create('root', 'admin');
    reader = await create('guest', 'reader');
    await mirrorWorld(world, upstream.url, console.ask);
    await console.ask(
      `mutation($input: MirrorRuleCreateInput!) { mirrorRuleCreate(input: $input) { mirrorRule { id } } }`,
      { input: { name: 'shop', url: upstream.url, targetPrefix: 'mirror/shop' } },
    );
  });
  afterAll(async () => {
    await console?.close();
    await upstream?.close();
    issuer?.close();
  });

  test('a token logs in to the page that was asked for, and the browser keeps no token', async () => {
    const { page, context, expectClean } = await console.open();
    await logIn(page, 'tdm_wrong');
    await page.locator('[id$="-error"]').waitFor();
    expect(await page.getByRole('heading', { name: 'Log in' }).count()).toBe(1);

    await page.getByLabel('Token').fill(admin);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('list', { name: 'History of latest' }).waitFor();
    await page.reload();
    await page.getByRole('list', { name: 'History of latest' }).waitFor();
    const stored = await page.evaluate<string>(
      'JSON.stringify([localStorage, sessionStorage, document.cookie])',
    );
    expect(stored).not.toContain(admin);

    await page.getByRole('button', { name: 'root' }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expectClean();
    await context.close();
  });

  test('a login at the issuer opens the page that was asked for, with the roles of the group', async () => {
    await console.ask(
      `mutation { grantCreate(input: { role: READER, scope: "mirror/*", oidcGroup: "crew" }) { userErrors { message } } }`,
    );
    issuer.idToken = { claims: { sub: 'carol', groups: ['crew'] } };
    // The issuer's own page, where the person agrees or refuses.
    issuer.answer = (path) =>
      path.startsWith('/authorize') ? issuerPage(issuer.logIn(`${issuer.url}${path}`)) : undefined;
    // Another site than the issuer's, so that SameSite matters.
    const origin = console.origin.replace('127.0.0.1', 'localhost');
    const { page, context, expectClean } = await console.open({ origin, visits: [issuer.url] });
    const begin = () => page.getByRole('link', { name: 'Log in with your organization' }).click();

    await page.goto('/repositories/mirror/nginx?tab=history');
    await begin();
    await page.getByRole('link', { name: 'Refuse' }).click();
    await page.getByRole('alert').getByText('refused the login').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.goto('/repositories/mirror/nginx?tab=history');
    await begin();
    expect(new URL(page.url()).origin).toBe(issuer.url);
    await page.getByRole('link', { name: 'Agree' }).click();
    await page.getByRole('list', { name: 'History of latest' }).waitFor();
    expect(page.url()).toBe(`${origin}/repositories/mirror/nginx?tab=history`);
    await page.getByRole('button', { name: 'carol' }).waitFor();
    expect(await page.getByRole('button', { name: 'Sync…' }).count()).toBe(0);
    const asked = new URL(issuer.asked.findLast((path) => path.startsWith('/authorize')) ?? '', issuer.url);
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256');
    const cookies = await context.cookies(origin);
    expect(cookies).toMatchObject([{ name: 'tidemark-session', httpOnly: true, sameSite: 'Strict' }]);

    // A reload, and a link of another site to the console, find the session.
    await page.goto('/login');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expectClean();
    await context.close();
  });

  test('a reader sees no button that fails', async () => {
    const { page, context, expectClean } = await console.open();
    await logIn(page, reader);
    await page.getByRole('list', { name: 'History of latest' }).waitFor();
    const offered: string[] = [];
    for (const path of reading) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
      for (const role of ['button', 'link', 'tab'] as const) {
        const controls = page.locator('main').getByRole(role);
        const names = await controls.evaluateAll<string[], { ariaLabel: string | null; textContent: string }>(
          (all) => all.map(({ ariaLabel, textContent }) => ariaLabel ?? textContent),
        );
        offered.push(...names.filter((name) => changing.test(name)).map((name) => `${path}: ${name}`));
      }
      expect(await page.getByRole('alert').count(), path).toBe(0);
    }
    expect(offered).toEqual([]);
    expectClean();
    await context.close();
  });
});

function issuerPage(back: URL) {
  const refused = new URL(back);
  refused.searchParams.delete('code');
  refused.searchParams.set('error', 'access_denied');
  const [agree, refuse] = [back, refused].map(({ href }) => href.replaceAll('&', '&amp;'));
  return {
    body: `<!doctype html><title>Issuer</title><a href="${agree}">Agree</a> <a href="${refuse}">Refuse</a>`,
    headers: { 'content-type': 'text/html' },
  };
}

async function logIn(page: Page, token: string): Promise<void> {
  await page.goto('/repositories/mirror/nginx?tab=history');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}
