/** Each page in both themes: no violation for axe, nothing from elsewhere, nothing that the Content-Security-Policy refuses. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { sampleQuota } from '../../src/demo/sample-quota.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { skipWithout } from '../interop/peers.ts';
import { projectRoot } from '../support/import-graph.ts';
import { until } from '../support/until.ts';
import { openWebhookEndpoint } from '../support/webhooks/endpoint.ts';
import type { WebhookEndpoint } from '../support/webhooks/endpoint.ts';
import { findViolations } from './support/axe.ts';
import { measureFirstLoad } from './support/figures.ts';
import { pingWebhook } from './support/ping-webhook.ts';
import type { Scheme } from './support/browser.ts';
import { openConsole } from './support/console-stack.ts';
import type { ConsoleStack } from './support/console-stack.ts';
import { createWorld, mirrorWorld } from '../../src/demo/sample-estate.ts';
import type { Ask } from '../../src/demo/sample-estate.ts';

/** `SCREENSHOTS=1 npm test -- test/console/pages.test.ts` writes those of docs/console.md. */
const screenshots =
  process.env['SCREENSHOTS'] === undefined ? undefined : join(projectRoot, 'docs', 'console');

interface Visit {
  readonly path: string;
  /** A text that shows that the page has its data. */
  readonly shows: string;
  readonly name?: string;
  readonly dark?: boolean;
}

const phone = { width: 360, height: 740 };
const desk = { width: 1280, height: 800 };

const visits: readonly Visit[] = [
  { path: '/', shows: '5 pulls, ', name: 'overview' },
  { path: '/repositories', shows: 'team/shop/api' },
  { path: '/repositories?new=mirror', shows: 'Create and choose tags' },
  { path: '/repositories/mirror/nginx', shows: 'Restore…', name: 'versions' },
  {
    path: '/repositories/mirror/nginx?tab=tags&tag=latest',
    shows: 'application/spdx+json',
    name: 'tags',
    dark: true,
  },
  { path: '/repositories/mirror/nginx?tab=history', shows: 'moved' },
  { path: '/repositories/mirror/nginx?tab=diff&from=1&to=3', shows: 'removed', name: 'diff' },
  {
    path: '/repositories/mirror/nginx?tab=diff&from=1&to=3&tag=latest',
    shows: 'Label seed',
    name: 'image-diff',
  },
  { path: '/repositories/mirror/nginx?tab=pull', shows: 'podman pull', name: 'pull' },
  { path: '/repositories/mirror/nginx?tab=settings', shows: 'Detach and delete' },
  { path: '/repositories/mirror/nginx?restore=1', shows: 'Restore v1 as v4', name: 'rollback', dark: true },
  { path: '/repositories/mirror/nginx?sync=rules', shows: '9 unchanged', name: 'sync' },
  { path: '/tasks', shows: 'Sync of mirror/redis', name: 'tasks' },
  { path: '/remotes', shows: 'library/nginx' },
  { path: '/remotes?edit=new', shows: 'Repository at the upstream' },
  { path: '/rules', shows: 'mirror/shop' },
  { path: '/rules?edit=new', shows: 'For example https://harbor.example' },
  { path: '/rules/shop%2Fall', shows: 'left out', name: 'mirror-rule' },
  { path: '/rules/shop%2Fall?edit=rule', shows: 'For example https://harbor.example' },
  { path: '/proxies', shows: 'No proxy yet' },
  { path: '/proxies?edit=new', shows: 'Hosts of image names' },
  { path: '/webhooks', shows: 'ci/main' },
  { path: '/webhooks?edit=new', shows: 'Where events are sent' },
  { path: '/webhooks/ci/main', shows: 'delivered' },
  { path: '/webhooks/ci/main?edit=webhook', shows: 'Where events are sent' },
  { path: '/credentials', shows: 'No credential yet' },
  { path: '/credentials?edit=new', shows: 'Hosts that may receive it' },
  { path: '/distributions', shows: 'mirror/nginx' },
  { path: '/distributions?edit=new', shows: 'Base path' },
  { path: '/schedules', shows: 'every 6 h' },
  { path: '/schedules?edit=new', shows: 'At an interval' },
  { path: '/policies', shows: 'No signature policy yet' },
  { path: '/policies?edit=new', shows: 'Cosign keys' },
  { path: '/access', shows: 'No token yet' },
  { path: '/access?tab=grants', shows: 'No grant yet' },
  { path: '/upkeep', shows: 'Clean up' },
  { path: '/nowhere', shows: 'Nothing is at this address' },
];

describe.skipIf(skipWithout('chromium'))('pages', () => {
  let upstream: SampleUpstream;
  let console: ConsoleStack;
  let endpoint: WebhookEndpoint;

  beforeAll(async () => {
    const world = createWorld(60);
    upstream = await startSampleUpstream({
      repositories: world.repositories,
      manifestHeaders: sampleQuota,
    });
    console = await openConsole();
    await mirrorWorld(world, upstream.url, console.ask);
    await runRule(console.ask, upstream.url);
    await pullAll(console);
    endpoint = await openWebhookEndpoint();
    await pingWebhook(console.ask, endpoint.url);
    if (screenshots !== undefined) await mkdir(screenshots, { recursive: true });
  });
  afterAll(async () => {
    await console?.close();
    await upstream?.close();
    await endpoint?.close();
  });

  // a load costs more than all that is looked at, so each page is loaded once: by a phone, in one theme after the other
  test('a phone shows each page without scrolling sideways; axe finds nothing on it in either theme', async () => {
    const { page, context, expectClean } = await console.open(phone);
    const wide: string[] = [];
    const found: string[] = [];
    for (const [index, { path, shows, name, dark = false }] of visits.entries()) {
      await page.setViewportSize(phone);
      const schemes = index % 2 === 0 ? (['light', 'dark'] as const) : (['dark', 'light'] as const);
      await showScheme(page, schemes[0]);
      await page.goto(path);
      await settle(page, shows);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      if (width > phone.width) wide.push(`${path}: ${width}`);
      await page.setViewportSize(desk);
      for (const scheme of schemes) {
        await showScheme(page, scheme);
        found.push(...(await findViolations(page)).map((violation) => `${path} ${scheme} ${violation}`));
        if (screenshots !== undefined && name !== undefined && dark === (scheme === 'dark'))
          await page.screenshot({ path: join(screenshots, `${name}.png`) });
      }
    }
    expect(wide).toEqual([]);
    expect(found).toEqual([]);
    expectClean();
    await context.close();
  });

  test('the first load is at most 300 kB, charts included', async () => {
    const { page, context } = await console.open();
    await page.goto('/');
    await settle(page, 'mirror/grafana');
    await page.getByRole('img', { name: /^Bytes served by day/ }).waitFor();
    const quotas = page.getByRole('region', { name: 'Upstream quotas' });
    await quotas.getByText('143 of 200 requests left').waitFor();
    await quotas.getByText('counted over the last 6 h').waitFor();
    const { bytes, files, paintedMs, interactiveMs } = await measureFirstLoad(page);
    process.stdout.write(
      `First load: ${(bytes / 1_000).toFixed(0)} kB in ${files} files; content after ${paintedMs.toFixed(0)} ms, interactive after ${interactiveMs.toFixed(0)} ms.\n`,
    );
    expect(files).toBeGreaterThan(2);
    expect(bytes).toBeLessThanOrEqual(300_000);
    await context.close();
  });

  test('GraphiQL runs its examples', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/graphiql');
    await page.locator('.graphiql-query-editor').getByText('totalCount').first().waitFor();
    // a click before the editor has its model runs nothing
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: /Execute query/ }).click();
        return page.locator('.graphiql-response').innerText();
      })
      .toContain('totalCount');
    expectClean();
    await context.close();
  });
});

/** What the chart of the overview shows. */
async function pullAll({ origin, ask }: ConsoleStack): Promise<void> {
  for (const path of ['mirror/nginx', 'mirror/nginx', 'mirror/redis', 'mirror/postgres', 'team/shop/api']) {
    const response = await fetch(
      `${origin}/v2/${path}/manifests/${path === 'team/shop/api' ? 'stable' : 'latest'}`,
      {
        headers: { accept: 'application/vnd.oci.image.index.v1+json' },
      },
    );
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
  // Pulls are counted a few seconds later.
  await until(async () => {
    const { estate } = await ask<{ estate: { days: { pulls: number }[] } }>(
      '{ estate { days(first: 1) { pulls } } }',
    );
    return estate.days[0]?.pulls === 5;
  });
}

/** A mirror rule whose preview has repositories of each kind. */
async function runRule(ask: Ask, url: string): Promise<void> {
  const { mirrorRuleCreate } = await ask<{ mirrorRuleCreate: { mirrorRule: { id: string } } }>(
    `mutation($input: MirrorRuleCreateInput!) { mirrorRuleCreate(input: $input) { mirrorRule { id } } }`,
    {
      input: {
        name: 'shop/all',
        url,
        discovery: 'LIST',
        repositories: ['shop/api', 'shop/web', 'shop/worker', 'shop/Legacy'],
        stripPrefix: 'shop',
        targetPrefix: 'mirror/shop',
        includeTags: ['1.*'],
        intervalSeconds: 21_600,
        mirror: true,
      },
    },
  );
  const { id } = mirrorRuleCreate.mirrorRule;
  await ask(`mutation($id: ID!) { mirrorRuleRun(input: { id: $id, dryRun: true }) { task { id } } }`, { id });
  await until(async () => {
    const { mirrorRule } = await ask<{ mirrorRule: { lastRun: { state: string } } }>(
      `query($id: ID!) { mirrorRule(id: $id) { lastRun { state } } }`,
      { id },
    );
    return mirrorRule.lastRun.state === 'COMPLETED';
  });
}

/** The theme of the system changes; what is open follows it. */
async function showScheme(page: Page, scheme: Scheme): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await until(() =>
    page.evaluate<boolean>(`(() => {
      const shown = document.documentElement.dataset.mantineColorScheme ?? '${scheme}';
      return shown === '${scheme}' && document.getAnimations().every((one) => !(one instanceof CSSTransition));
    })()`),
  );
}

/** Waits until the page has its data, and nothing is being read. */
async function settle(page: Page, shows: string): Promise<void> {
  await page.getByText(shows).first().waitFor();
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
}
