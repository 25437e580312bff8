/** Logins in a browser: a token opens a session, and a reader is offered nothing that the server refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { createToken } from '../../src/access/token.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { skipWithout } from '../interop/peers.ts';
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
  '/credentials',
  '/distributions',
  '/schedules',
  '/policies',
  '/tasks',
  '/upkeep',
];
const changing =
  /^(New |Sync…|Restore|Cancel the|Pause|Resume|Run |Clean up|Count what|Verify|Revoke|Delete|Detach|Save)/;

describe.skipIf(skipWithout('chromium'))('logins', () => {
  let upstream: SampleUpstream;
  let console: ConsoleStack;
  let admin = '';
  let reader = '';

  beforeAll(async () => {
    const world = createWorld(20);
    upstream = await startSampleUpstream({ repositories: world.repositories });
    console = await openConsole(
      { TIDEMARK_AUTH: 'tokens', TIDEMARK_ALLOW_UPSTREAM: '127.0.0.1' },
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
  });
  afterAll(async () => {
    await console?.close();
    await upstream?.close();
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

  test('a reader sees no button that fails', async () => {
    const { page, context, expectClean } = await console.open();
    await logIn(page, reader);
    await page.getByRole('list', { name: 'History of latest' }).waitFor();
    const offered: string[] = [];
    for (const path of reading) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
      for (const role of ['button', 'link', 'tab'] as const)
        for (const control of await page.locator('main').getByRole(role).all()) {
          const name = (await control.getAttribute('aria-label')) ?? (await control.textContent()) ?? '';
          if (changing.test(name)) offered.push(`${path}: ${name}`);
        }
      expect(await page.getByRole('alert').count(), path).toBe(0);
    }
    expect(offered).toEqual([]);
    expectClean();
    await context.close();
  });
});

async function logIn(page: Page, token: string): Promise<void> {
  await page.goto('/repositories/mirror/nginx?tab=history');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}
