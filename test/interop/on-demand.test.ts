/** Layers that no sync has fetched, pulled by the clients that people use; one Tidemark in front of another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { runPeer, skipWithout } from './peers.ts';

const upstreamName = 'library/app';
const content = createSampleRepository();
for (const tag of ['synced', 'chained', 'through'])
  addImage(content, { seed: `interop-${tag}`, layers: [50_000, 4_000_000], tag });

interface Tidemark {
  readonly harness: SyncHarness;
  readonly api: HarnessApi;
  readonly ids: { readonly repositoryId: number; readonly remoteId: number };
}

let upstream: FakeUpstream;
let first: Tidemark;
/** Its upstream is the first. */
let second: Tidemark;

async function startTidemark(url: string, includeTags: string[] | null): Promise<Tidemark> {
  const harness = await startSyncHarness();
  const remote = { url, upstreamName, includeTags, policy: 'ON_DEMAND' as const };
  const ids = await harness.createRepository(remote, upstreamName);
  const { task } = await harness.sync(ids);
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  return { harness, ids, api: await startHarnessApi(harness) };
}

beforeAll(async () => {
  upstream = await openFakeUpstream({ fallback: sampleAnswers(content) });
  first = await startTidemark(upstream.url, ['synced', 'chained']);
  second = await startTidemark(first.api.url, ['chained']);
});
afterAll(async () => {
  for (const tidemark of [second, first]) {
    await tidemark?.api.close();
    await tidemark?.harness.close();
  }
  await upstream?.close();
});

/** All blobs of an image, and how often the upstream was asked for each. */
function requestsOf(tag: string): number[] {
  const digest = content.tags.get(tag);
  const document = digest && content.manifests.get(digest);
  if (!document) throw new Error(`there is no ${tag}`);
  const { config, layers } = JSON.parse(String(document.bytes)) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  return [config, ...layers].map(
    (blob) => upstream.requestsOf(`GET /v2/${upstreamName}/blobs/${blob.digest}`).length,
  );
}

async function pullAtOnce(host: string, tag: string, clients: number): Promise<void> {
  const image = `${host}/${upstreamName}:${tag}`;
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-pulled-'));
  try {
    await Promise.all(
      Array.from({ length: clients }, (_, index) =>
        index % 2 === 0
          ? runPeer('crane', 'validate', '--remote', image)
          : runPeer(
              'skopeo',
              'copy',
              '--src-tls-verify=false',
              `docker://${image}`,
              `dir:${folder}/${index}`,
            ),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe.skipIf(skipWithout('crane', 'skopeo'))('crane and skopeo', () => {
  test('twenty at once pull an image of ON_DEMAND: one request at the upstream for each blob', async () => {
    expect(requestsOf('synced')).toEqual([1, 0, 0]);
    await pullAtOnce(first.api.host, 'synced', 20);
    expect(requestsOf('synced')).toEqual([1, 1, 1]);
  });

  test('so they do through a second Tidemark', async () => {
    await pullAtOnce(second.api.host, 'chained', 8);
    expect(requestsOf('chained')).toEqual([1, 1, 1]);
  });

  test('they pull through what neither Tidemark has: one version in each', async () => {
    for (const { harness, ids } of [first, second]) {
      await harness
        .em()
        .nativeUpdate(Distribution, { repositoryId: ids.repositoryId }, { pullThrough: true });
      await harness.updateRemote(ids.remoteId, { includeTags: null });
    }
    await pullAtOnce(second.api.host, 'through', 8);
    expect(requestsOf('through')).toEqual([1, 1, 1]);
    for (const { harness, ids } of [first, second])
      expect([...(await harness.tags(ids.repositoryId, 2)).keys()]).toContain('through');
  });
});
