import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDemoContent, changeDemoContent, demoRepositoryName } from '../../src/demo/demo-content.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { startSyncHarness } from '../support/sync-harness.ts';
import type { SyncHarness } from '../support/sync-harness.ts';

let harness: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness();
});
afterAll(() => harness.close());

test('a first sync, a sync of nothing new, an additive and a mirror sync of what has changed', async () => {
  const content = buildDemoContent();
  const upstream = await startSampleUpstream({ repositories: new Map([[demoRepositoryName, content]]) });
  const ids = await harness.createRepository({ url: upstream.url, upstreamName: demoRepositoryName });
  const first = await harness.sync(ids);
  expect(first.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  expect(await harness.tags(ids.repositoryId, 1)).toEqual(new Map([...content.tags].sort()));
  console.log(first.summary, first.counts, first.task.finishedAt!.getTime() - first.task.createdAt.getTime());
  const again = await harness.sync(ids);
  expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  console.log(again.counts, again.task.finishedAt!.getTime() - again.task.createdAt.getTime());
  const change = changeDemoContent(content);
  const second = await harness.sync(ids, { mirror: true });
  console.log(change, second.summary, second.task);
  await upstream.close();
});
