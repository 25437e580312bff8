/** What makes repositories, in a browser: a mirror rule and a proxy, each created, corrected, used, changed and deleted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../interop/peers.ts';
import { openCatalog } from '../workflows/rules/registry.ts';
import type { CatalogUpstream } from '../workflows/rules/registry.ts';
import { findViolations } from './support/axe.ts';
import { openConsole } from './support/console-stack.ts';
import type { ConsoleStack } from './support/console-stack.ts';

describe.skipIf(skipWithout('chromium'))('a mirror rule or a proxy', () => {
  let catalog: CatalogUpstream;
  let console: ConsoleStack;

  beforeAll(async () => {
    catalog = await openCatalog(['team/api', 'team/web', 'team/old', 'other/app']);
    console = await openConsole();
  });
  afterAll(async () => {
    await console?.close();
    await catalog?.upstream.close();
  });

  test('a mirror rule is created, previewed, run, and shows what has vanished', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/rules');
    await page.getByRole('button', { name: 'New mirror rule' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill('team');
    await dialog.getByRole('textbox', { name: /^Registry/ }).fill(catalog.upstream.url);
    await dialog.getByRole('tab', { name: 'Repositories' }).click();
    const take = dialog.getByLabel('Take these repositories');
    await take.fill('team/{api');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Put before the name').fill('rule');
    await dialog.getByRole('tab', { name: 'Runs' }).click();
    await dialog.getByRole('button', { name: 'Create' }).click();
    // The mistake stands at its field, whose tab is opened; what was typed is kept.
    await dialog.getByText('includeRepositories[0] is "team/{api"').waitFor();
    await take.click();
    await page.keyboard.press('Backspace');
    await take.fill('team/**');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Create' }).click();

    await page.getByRole('heading', { name: 'team', level: 1 }).waitFor();
    await page.getByText('It has not run yet').waitFor();
    await page.getByRole('button', { name: 'Preview a run' }).click();
    const preview = page.getByRole('region', { name: 'What a run would do' });
    const found = page.getByRole('table', { name: 'Repositories found' });
    await preview.getByText('completed').first().waitFor();
    await found.getByText('create', { exact: true }).nth(2).waitFor();
    expect(await found.getByRole('row').count()).toBe(4);
    expect(await found.getByText('other/app').count()).toBe(0);
    await page.getByText('A run creates them.').waitFor();

    await page.getByRole('button', { name: 'Run now' }).click();
    const run = page.getByRole('region', { name: 'Last run' });
    await run.getByText('3 of 3 repositories synced').waitFor();
    await found.getByRole('link', { name: 'completed' }).nth(2).waitFor();
    const made = page.getByRole('table', { name: 'Repositories of the rule' });
    await made.getByText('rule/team/old').waitFor();

    catalog.listed.splice(catalog.listed.indexOf('team/old'), 1);
    catalog.present.delete('team/old');
    await page.getByRole('button', { name: 'Run now' }).click();
    await found.getByText('vanished').waitFor();
    await page.getByText('Vanished 1').click();
    await made.getByText('rule/team/api').waitFor({ state: 'detached' });
    await page.reload();
    await made.getByText('rule/team/old').waitFor();
    expect(await made.getByRole('row').count()).toBe(2);
    expectClean();
    await context.close();
  });

  test('a mirror rule is changed, and deleted after a question; its repositories stay', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/rules/team?edit=rule');
    const dialog = page.getByRole('dialog');
    const found: string[] = [];
    const choose = async (tab: string) => {
      await dialog.getByRole('tab', { name: tab }).click();
      found.push(...(await findViolations(page)));
    };
    await choose('Tags and layers');
    await dialog.getByLabel('Or in these version ranges').fill('>=1 <2');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Only the newest').fill('3');
    await choose('Fallbacks');
    await dialog.getByRole('button', { name: 'Add a fallback' }).click();
    await dialog.getByLabel('Registry of fallback 1').fill('ftp://mirror.example');
    await choose('Connection');
    await dialog.getByLabel(/^Proxy/).fill('http://user:secret@proxy.example:3128');
    await dialog.getByRole('button', { name: 'Save' }).click();
    // The mistake opens its tab; what was typed is kept.
    await dialog.getByRole('alert').getByText('fallbacks[0]').waitFor();
    await dialog.getByRole('button', { name: 'Remove fallback 1' }).click();
    await choose('Runs');
    expect(found).toEqual([]);
    await dialog.getByText('At an interval').click();
    await dialog.getByLabel('Every … minutes').fill('120');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('region', { name: 'Rule', exact: true }).getByText('every 2 h').waitFor();
    const { mirrorRule } = await console.ask<{ mirrorRule: object }>(
      '{ mirrorRule(name: "team") { semverRanges newestTags { count } proxyUrl fallbacks { url } } }',
    );
    expect(mirrorRule).toEqual({
      semverRanges: ['>=1 <2'],
      newestTags: { count: 3 },
      proxyUrl: 'http://proxy.example:3128',
      fallbacks: [],
    });
    // The form has them again.
    await page.goto('/rules/team?edit=rule');
    await dialog.getByRole('tab', { name: 'Connection' }).click();
    expect(await dialog.getByLabel(/^Proxy/).inputValue()).toBe('http://proxy.example:3128');
    await page.keyboard.press('Escape');

    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete' });
    await question.getByText('stay').waitFor();
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No mirror rule yet').waitFor();
    const { repositories } = await console.ask<{ repositories: { totalCount: number } }>(
      '{ repositories(first: 1) { totalCount } }',
    );
    expect(repositories.totalCount).toBe(3);
    expectClean();
    await context.close();
  });

  test('a proxy is created, pulled through, changed and deleted; its repositories stay', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/proxies');
    await page.getByRole('button', { name: 'New proxy' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Base path/).fill('Upper');
    await dialog.getByRole('textbox', { name: /^Registry/ }).fill(catalog.upstream.url);
    await dialog.getByRole('tab', { name: 'Repositories' }).click();
    await dialog.getByRole('button', { name: 'Create' }).click();
    // The mistake opens its tab.
    await dialog.getByText('"Upper"').waitFor();
    await dialog.getByLabel(/^Base path/).fill('cache/hub');
    await dialog.getByRole('button', { name: 'Create' }).click();

    await page.getByRole('heading', { name: 'cache/hub', level: 1 }).waitFor();
    await page.getByText('The first pull of a repository creates it.').waitFor();
    const manifest = await fetch(`${console.origin}/v2/cache/hub/team/api/manifests/v1`);
    expect(manifest.status).toBe(200);
    await page.reload();
    await page
      .getByRole('table', { name: 'Repositories of the proxy' })
      .getByText('cache/hub/team/api')
      .waitFor();
    const found = await findViolations(page);

    await page.getByRole('button', { name: 'Edit…' }).click();
    await dialog.getByRole('tab', { name: 'Repositories' }).click();
    found.push(...(await findViolations(page)));
    await dialog.getByLabel('Tags are served for … seconds').fill('7200');
    await dialog.getByLabel('Cache limit in GiB').fill('1.5');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('region', { name: 'Proxy', exact: true }).getByText('for 2 h').waitFor();
    await page.getByText('0 B, at most 1.5 GiB').waitFor();
    await page.goto('/proxies');
    await page.getByRole('table', { name: 'Proxies' }).getByText('1 of 1,000').waitFor();
    found.push(...(await findViolations(page)));
    expect(found).toEqual([]);

    await page.getByText('cache/hub').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete' });
    await question.getByText('stay').waitFor();
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No proxy yet').waitFor();
    const { repository } = await console.ask<{ repository: object }>(
      '{ repository(name: "cache/hub/team/api") { proxy { id } } }',
    );
    expect(repository).toEqual({ proxy: null });
    expectClean();
    await context.close();
  });
});
