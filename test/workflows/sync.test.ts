import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeDemoContent, demoRepositoryName } from '../../src/demo/demo-content.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { demoContent } from '../support/upstream/demo-content.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';

/** By name, as versions are read. */
function sortedTags({ tags }: SampleRepository): Map<string, string> {
  return new Map([...tags].sort(([a], [b]) => (a < b ? -1 : 1)));
}

let harness: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness();
});
afterAll(() => harness.close());

test('a first sync, a sync of nothing new, and a mirror sync of what has changed', async () => {
  const content = demoContent();
  const upstream = await startSampleUpstream({ repositories: new Map([[demoRepositoryName, content]]) });
  const ids = await harness.createRepository({ url: upstream.url, upstreamName: demoRepositoryName });

  const first = await harness.sync(ids);
  expect(first.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  const firstTags = sortedTags(content);
  expect(await harness.tags(ids.repositoryId, 1)).toEqual(firstTags);
  // what refers to an image came along
  const { size: manifests } = content.manifests;
  expect(first.summary?.present).toMatchObject({ tags: content.tags.size, manifests });

  const again = await harness.sync(ids);
  expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(again.counts?.blobsReused).toBe(first.counts?.blobsDone);
  expect(again.latest).toBe(1);

  const change = changeDemoContent(content);
  const second = await harness.sync(ids, { mirror: true });
  expect(second.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  const secondTags = await harness.tags(ids.repositoryId, 2);
  expect(secondTags).toEqual(sortedTags(content));
  expect(secondTags.has(change.removed)).toBe(false);
  expect(await harness.tags(ids.repositoryId, 1)).toEqual(firstTags);
  await upstream.close();
});
