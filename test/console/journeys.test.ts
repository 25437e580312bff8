/** What people open the console for, from the first mirror to the rollback, in a browser on the real stack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { skipWithoutEngine, startDockerEngine } from '../interop/docker-engine.ts';
import type { DockerEngine } from '../interop/docker-engine.ts';
import { skipWithout } from '../interop/peers.ts';
import { openConsole } from './support/console-stack.ts';
import type { ConsoleStack } from './support/console-stack.ts';
import { changeUpstream, createWorld, sync } from '../../src/demo/sample-estate.ts';

describe.skipIf(skipWithout('chromium'))('journeys', () => {
  const world = createWorld(60);
  let upstream: SampleUpstream;
  let console: ConsoleStack;
  let engine: DockerEngine | undefined;

  beforeAll(async () => {
    [upstream, console, engine] = await Promise.all([
      startSampleUpstream({ repositories: world.repositories }),
      openConsole(),
      skipWithoutEngine() ? undefined : startDockerEngine(),
    ]);
  });
  afterAll(async () => {
    await engine?.stop();
    await console?.close();
    await upstream?.close();
  });

  test('first mirror from an empty server', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/');
    await page
      .getByRole('link', { name: 'New mirror' })
      .or(page.getByRole('button', { name: 'New mirror' }))
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Upstream repository').fill(`${new URL(upstream.url).host}/library/nginx`);
    await dialog.getByRole('button', { name: 'Create and choose tags' }).click();

    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('7 added').waitFor();
    await page.getByLabel('Take these tags').first().fill('1.27.*');
    await page.keyboard.press('Enter');
    await preview.getByText('3 added').waitFor();
    await page.getByRole('button', { name: /^Sync 3 tags, .* at most$/ }).click();
    await page.getByText('Created version 1').waitFor();

    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('tab', { name: 'Tags' }).click();
    await page.getByRole('table', { name: 'Tags' }).getByText('1.27.3-alpine').waitFor();
    expect(await page.getByRole('status').getByText('3 tags').count()).toBe(1);
    expectClean();
    await context.close();
  });

  test('what moved latest, and when, in at most three clicks', async () => {
    const { repository } = await console.ask<{ repository: { id: string } }>(
      `{ repository(name: "mirror/nginx") { id } }`,
    );
    await sync(console.ask, repository.id, { overrides: { includeTags: null }, saveOverrides: true });
    changeUpstream(world, 'library/nginx');
    await sync(console.ask, repository.id);

    const { page, context, expectClean } = await console.open();
    await page.goto('/');
    await page.getByRole('link', { name: 'mirror/nginx' }).first().click();
    await page.getByRole('tab', { name: 'History' }).click();
    const history = page.getByRole('list', { name: 'History of latest' });
    await history.getByText('moved').first().waitFor();
    const moved = history.getByRole('listitem').first();
    expect(await moved.textContent()).toMatch(/just now|ago/);
    expect(await moved.getByRole('button', { name: /^Copy digest [0-9a-f]{12}: sha256:/ }).count()).toBe(2);
    expectClean();
    await context.close();
  });

  test('a digest leads to the tags that have it, by the keyboard', async () => {
    const { repository } = await console.ask<{ repository: { latestVersion: { tag: { digest: string } } } }>(
      `{ repository(name: "mirror/nginx") { latestVersion { tag(name: "latest") { digest } } } }`,
    );
    const { digest } = repository.latestVersion.tag;
    const { page, context, expectClean } = await console.open();
    await page.goto('/');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(digest.slice(0, 19));
    await page.getByRole('option', { name: 'mirror/nginx:latest has' }).waitFor();
    await page.keyboard.press('Enter');
    const manifest = page.getByRole('complementary', { name: /^Manifest of / });
    await manifest
      .getByRole('button', { name: `Copy digest ${digest.slice(7, 19)}` })
      .first()
      .waitFor();
    expectClean();
    await context.close();
  });

  test('roll back, and docker pulls the old digest', async () => {
    const digestOf = async () => {
      const response = await fetch(`${console.origin}/v2/mirror/nginx/manifests/latest`, {
        method: 'HEAD',
        headers: { accept: 'application/vnd.oci.image.index.v1+json' },
      });
      return response.headers.get('docker-content-digest');
    };
    const { repository } = await console.ask<{
      repository: { latestVersion: { number: number }; version: { tag: { digest: string } } };
    }>(
      `{ repository(name: "mirror/nginx") { latestVersion { number } version(number: 2) { tag(name: "latest") { digest } } } }`,
    );
    /** What a real engine takes, where there is one. */
    const pulledDigest = async () => {
      const name = `${new URL(console.origin).host}/mirror/nginx:latest`;
      const said = await engine?.docker('pull', name);
      return said === undefined ? digestOf() : /^Digest: (\S+)$/m.exec(said)?.[1];
    };
    const old = repository.version.tag.digest;
    const latest = repository.latestVersion.number;
    expect(await digestOf()).not.toBe(old);
    expect(await pulledDigest()).toBe(await digestOf());

    const { page, context, expectClean } = await console.open();
    await page.goto('/repositories/mirror/nginx');
    await page
      .getByRole('listitem')
      .filter({ hasText: 'v2' })
      .getByRole('link', { name: 'Restore…' })
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('list', { name: 'Tags moved' }).getByText('latest').waitFor();
    expect(await digestOf()).not.toBe(old);
    await dialog.getByRole('button', { name: `Restore v2 as v${latest + 1}` }).click();
    await page.getByRole('link', { name: `v${latest + 1}`, exact: true }).waitFor();
    expect(await digestOf()).toBe(old);
    expect(await pulledDigest()).toBe(old);
    expectClean();
    await context.close();
  });

  test('name a fallback of a remote, and see who served a sync', async () => {
    const { page, context, expectClean } = await console.open();
    await page.goto('/remotes');
    await page.getByText('library/nginx').first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('tab', { name: 'Fallbacks' }).click();
    await dialog.getByRole('button', { name: 'Add a fallback' }).click();
    await dialog.getByLabel('Registry of fallback 1').fill('mirror.example');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').getByText('fallbacks[0]').waitFor();
    await dialog.getByLabel('Registry of fallback 1').fill('https://mirror.example');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const { repository } = await console.ask<{
      repository: { id: string; remote: { fallbacks: readonly { url: string }[] } };
    }>(`{ repository(name: "mirror/nginx") { id remote { fallbacks { url } } } }`);
    expect(repository.remote.fallbacks).toEqual([{ url: 'https://mirror.example' }]);

    await sync(console.ask, repository.id);
    await page.goto('/tasks');
    await page.getByText('mirror/nginx').first().click();
    const served = page.getByRole('table', { name: 'Upstreams' });
    await served.getByText(`${upstream.url}/library/nginx`).waitFor();
    await served.getByText('listed').waitFor();
    expectClean();
    await context.close();
  });
});
