/** A Tidemark that mirrors another one: its list of tags with digests, and the syncs that use it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { forward } from '../../support/upstream/forward.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';

let stage: StageWithApi;
let front: FakeUpstream;
beforeAll(async () => {
  stage = await openStageWithApi();
  // an older Tidemark, which tells no difference
  front = await openFakeUpstream({ fallback: forward(() => stage.api.url, 'tidemark-state') });
});
afterAll(async () => {
  await front?.close();
  await stage?.close();
});

const tagNames = Array.from({ length: 120 }, (_, n) => `t${String(n).padStart(3, '0')}`);

test('the list has pages in the order of names, announces itself, and needs a repository that is there', async () => {
  const repository = createSampleRepository();
  for (const tag of ['a', 'b', 'c']) addImage(repository, { seed: `digests-${tag}`, layers: [100], tag });
  const scene = await stage.open({ repository, name: 'list/digests' });
  await scene.sync();
  const base = `${stage.api.url}/v2/list/digests`;
  const first = await fetch(`${base}/_tidemark/tags/digests?n=2`);
  const entry = (name: string) => {
    const digest = repository.tags.get(name);
    return { name, digest, mediaType: digest && repository.manifests.get(digest)?.mediaType };
  };
  expect(await first.json()).toEqual({ name: 'list/digests', tags: [entry('a'), entry('b')] });
  expect(first.headers.get('link')).toBe('</v2/list/digests/_tidemark/tags/digests?n=2&last=b>; rel="next"');
  const last = await fetch(`${base}/_tidemark/tags/digests?n=2&last=b`);
  expect(await last.json()).toEqual({ name: 'list/digests', tags: [entry('c')] });
  expect(last.headers.get('link')).toBe(null);
  expect((await fetch(`${base}/tags/list`)).headers.get('tidemark-lists')).toBe('tags/digests');
  expect((await fetch(`${stage.api.url}/v2/none/_tidemark/tags/digests`)).status).toBe(404);
  expect((await fetch(`${base}/_tidemark/tags/digests`, { method: 'PUT' })).status).toBe(405);
});

test('of 120 unchanged tags two are requested; a tag that moved is fetched', async () => {
  const repository = createSampleRepository();
  for (const tag of tagNames) addImage(repository, { seed: `chain-${tag}`, layers: [100], tag });
  const near = await stage.open({ repository, name: 'chain/near' });
  expect((await near.sync({ mirror: true })).task.state).toBe('COMPLETED');
  const far = await stage.open({
    repository,
    name: 'chain/far',
    remote: { url: front.url, upstreamName: 'chain/near' },
  });
  const sent = async (): Promise<{ heads: number; lists: number; version: number | null | undefined }> => {
    front.requests.length = 0;
    const { task } = await far.sync({ mirror: true });
    expect(task.state).toBe('COMPLETED');
    const heads = front.requests.filter(({ method, path }) => method === 'HEAD' && path.includes('/t'));
    const lists = front.requests.filter(({ path }) => path.includes('/_tidemark/tags/digests'));
    return { heads: heads.length, lists: lists.length, version: task.createdVersion };
  };
  expect((await sent()).version).toBe(1);
  expect(await sent()).toEqual({ heads: 2, lists: 1, version: null });
  addImage(repository, { seed: 'chain-moved', layers: [100], tag: 't007' });
  await near.sync({ mirror: true });
  const moved = await sent();
  expect(moved.version).toBe(2);
  // the sample, and the tag that moved with its companion tags
  expect(moved.heads).toBeLessThan(10);
  expect(
    (await fetch(`${stage.api.url}/v2/chain/far/manifests/t007`)).headers.get('docker-content-digest'),
  ).toBe(repository.tags.get('t007'));
});
