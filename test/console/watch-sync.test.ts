/** A sync watched in a browser, while the page is loaded again and the API is killed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { skipWithout } from '../interop/peers.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { until } from '../support/until.ts';
import { openConsole } from './support/console-stack.ts';
import type { ConsoleStack } from './support/console-stack.ts';

describe.skipIf(skipWithout('chromium'))('watching a sync', () => {
  const content = createSampleRepository();
  addImage(content, { seed: 'watched', layers: [2_000, 600_000], tag: 'one' });
  addImage(content, { seed: 'watched-two', layers: [3_000], tag: 'two' });
  const [largest] = [...content.blobs].sort(([, a], [, b]) => b.length - a.length);
  const route = `GET /v2/library/app/blobs/${largest?.[0]}`;
  const serve = sampleAnswers(content);
  let upstream: FakeUpstream;
  let console: ConsoleStack;

  beforeAll(async () => {
    upstream = await openFakeUpstream({ fallback: serve });
    console = await openConsole();
    const name = 'mirror/app';
    const { remoteCreate } = await console.ask<{ remoteCreate: { remote: { id: string } } }>(
      `mutation($input: RemoteCreateInput!) { remoteCreate(input: $input) { remote { id } } }`,
      { input: { name, url: upstream.url, upstreamName: 'library/app' } },
    );
    await console.ask(
      `mutation($input: RepositoryCreateInput!) { repositoryCreate(input: $input) { repository { id } } }`,
      {
        input: { name, remoteId: remoteCreate.remote.id },
      },
    );
  });
  afterAll(async () => {
    await console?.close();
    await upstream?.[Symbol.asyncDispose]();
  });

  test('a reload and a killed API show the same sync, to its end', async () => {
    const gate = Promise.withResolvers<undefined>();
    const held: Answer = async (request, response) => {
      await gate.promise;
      if (!response.destroyed && typeof serve === 'function') await serve(request, response);
    };
    upstream.on(route, held);

    const { page, context, expectClean } = await console.open();
    await page.goto('/repositories/mirror/app?sync=rules');
    await page.getByRole('button', { name: /^Sync 2 tags/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('running').waitFor();
    await until(() => upstream.requestsOf(route).length > 0);
    await dialog.locator('[aria-current="step"]').getByText('Blobs').waitFor();

    await page.reload();
    await dialog.getByText('running').waitFor();
    await dialog.locator('[aria-current="step"]').getByText('Blobs').waitFor();

    await console.restartApi();
    gate.resolve(undefined);
    await dialog.getByText('Created version 1').waitFor();
    const outcomes = dialog.getByRole('table', { name: 'Outcomes' });
    await outcomes.getByText('one', { exact: true }).waitFor();
    expect(await outcomes.getByText('added').count()).toBe(2);
    expect(upstream.unexpected).toEqual([]);
    expectClean();
    await context.close();
  });
});
