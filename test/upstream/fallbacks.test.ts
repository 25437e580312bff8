/** Syncs of a remote with a fallback: what fails over, what does not, and what a fallback may change (docs/decisions/0013-fallbacks.md). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readThrottle } from '../../src/db/tasks/host-throttles.ts';
import { HostBreaker } from '../../src/db/schema/upstreams.ts';
import { removeTag } from '../../src/demo/sample-image.ts';
import { send } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { expectFitForPeople, upstreamName } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { mirrorName, addTag, pairScenes } from '../support/upstream/pair-scenes.ts';

let stage: StageWithApi;
const opened: FakeUpstream[] = [];
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(async () => {
  await Promise.all(opened.map((upstream) => upstream.close()));
  await stage.close();
});
const list = `GET /v2/${upstreamName}/tags/list`;

const { openPair, upstreamsOf } = pairScenes(() => ({ stage, opened }));

describe('a list of tags', () => {
  test.concurrent('of a fallback adds new tags, and moves and removes nothing', async () => {
    const pair = await openPair(['v1', 'v2', 'v3', 'gone']);
    const { ids, repository, copy } = pair;
    await pair.sync({ mirror: true });
    removeTag(repository, 'gone');
    const current = addTag(pair, repository, 'v1', '-moved');
    await pair.sync({ mirror: true });
    // the fallback has neither, has lost two tags, and has a new one
    removeTag(copy, 'v2');
    removeTag(copy, 'v3');
    addTag(pair, copy, 'v4');
    pair.upstream.on(list, { status: 503 });
    const { task, warnings, latest } = await pair.sync({ mirror: true });
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
    const tags = await pair.harness.tags(ids.repositoryId, latest);
    expect([...tags.keys()].sort()).toEqual(['v1', 'v2', 'v3', 'v4']);
    expect(tags.get('v1')).toBe(current);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(
      /^The tags were listed at 127\.0\.0\.1:\d+, a fallback, because 127\.0\.0\.1:\d+ was unavailable\..* 503/,
    );
    expect(warnings[1]).toMatch(/^The tag gone was removed from the repository before/);
    for (const warning of warnings) expectFitForPeople(warning);
    // present tags cost no request
    expect(pair.fallback.requests.filter(({ path }) => path.endsWith('/manifests/v1'))).toEqual([]);
    expect(await upstreamsOf(task.id)).toMatchObject([{ url: pair.fallback.url, hasList: true }]);

    pair.upstream.off(list);
    const back = await pair.sync({ mirror: true });
    expect(back.warnings).toEqual([]);
    expect([...(await pair.harness.tags(ids.repositoryId, back.latest)).keys()].sort()).toEqual([
      'v1',
      'v2',
      'v3',
    ]);
  });

  test.concurrent('of one upstream is not mixed with the tags of another', async () => {
    const pair = await openPair(['a', 'c']);
    addTag(pair, pair.repository, 'a', '-moved');
    const old = pair.copy.tags.get('a');
    // the upstream dies when the tag `a` has been walked
    pair.upstream.on(`GET /v2/${upstreamName}/manifests/c`, (request, response) => {
      pair.upstream.on(list, { status: 503 });
      send(request, response, { status: 503 });
    });
    const { task, latest } = await pair.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    const tags = await pair.harness.tags(pair.ids.repositoryId, latest);
    expect(tags.get('a')).toBe(old);
    expect((await upstreamsOf(task.id)).map(({ hasList }) => hasList)).toEqual([false, true]);
  });

  test.concurrent('of many tags is read anew at the fallback when its upstream dies (fault 11)', async () => {
    const pair = await openPair();
    const digest = pair.copy.tags.get('v1') ?? addTag(pair, pair.copy, 'v1');
    // more than one activity walks
    const names = Array.from({ length: 1_001 }, (_, number) => `t${number}`);
    for (const name of names) for (const place of [pair.repository, pair.copy]) place.tags.set(name, digest);
    const broken = pair.upstream;
    for (const name of ['v1', ...names])
      broken.on(`GET /v2/${upstreamName}/manifests/${name}`, (request, response) => {
        broken.on(list, { status: 503 });
        send(request, response, { status: 503 });
      });
    const { task, latest } = await pair.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect((await pair.harness.tags(pair.ids.repositoryId, latest)).size).toBe(1_002);
    expect((await upstreamsOf(task.id)).map(({ hasList }) => hasList)).toEqual([false, true]);
  });

  test.concurrent('of a throttled upstream is read at the fallback, and the host is left alone', async () => {
    const pair = await openPair();
    pair.upstream.on(list, { status: 429, headers: { 'retry-after': '3000' } });
    const { task } = await pair.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    const { host } = new URL(pair.upstream.url);
    expect(await readThrottle(stage.harness.em(), host, 0)).toBeGreaterThan(2_000_000);
    const before = pair.upstream.requests.length;
    expect((await pair.sync()).task.state).toBe('COMPLETED');
    expect(pair.upstream.requests).toHaveLength(before);
    expect(await stage.harness.em().findOne(HostBreaker, { host })).toBe(null);
  });

  test.concurrent.each([
    { status: 401, code: 'UPSTREAM_UNAUTHORIZED' },
    { status: 403, code: 'UPSTREAM_FORBIDDEN' },
    { status: 404, code: 'REPOSITORY_NOT_FOUND' },
  ])('that is answered $status fails the sync, and no fallback is asked', async ({ status, code }) => {
    const pair = await openPair();
    const headers = status === 401 ? { 'www-authenticate': 'Basic realm="x"' } : {};
    pair.upstream.on(list, { status, headers });
    const { task } = await pair.sync();
    expect(task).toMatchObject({ state: 'FAILED', errorCode: code });
    expect(pair.fallback.requests).toEqual([]);
  });

  test.concurrent('that no upstream has names them all, and the refusal of a fallback is no answer', async () => {
    const pair = await openPair();
    pair.upstream.on(list, { status: 503 });
    pair.fallback.on(`GET /v2/${mirrorName}/tags/list`, { status: 404 });
    const { task } = await pair.sync();
    const { host } = new URL(pair.fallback.url);
    expect(task).toMatchObject({ state: 'FAILED', errorCode: 'UPSTREAM_UNAVAILABLE' });
    expect(task.errorMessage).toContain(`No other upstream helped: ${host}: REPOSITORY_NOT_FOUND.`);
    expectFitForPeople(task.errorMessage ?? '');
  });
});

test.concurrent('a tag without a list, and a digest, come from the fallback', async () => {
  const pair = await openPair(['v1', 'v2']);
  const digest = pair.copy.tags.get('v2') ?? '';
  const remote = {
    includeTags: ['v1', digest],
    fallbacks: [{ url: pair.fallback.url, upstreamName: mirrorName }],
  };
  const scene = await stage.open({ remote });
  await scene.upstream.close();
  const { task, latest } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, latest)).keys()]).toEqual(['v1']);
  expect(await stage.harness.content(scene.ids.repositoryId, latest, 'manifest')).toContain(digest);
});

test.concurrent('a sync of a named tag looks at the fallback, and finds nothing to do', async () => {
  const pair = await openPair();
  const remote = { includeTags: ['v1'], fallbacks: [{ url: pair.fallback.url, upstreamName: mirrorName }] };
  const scene = await stage.open({ remote });
  await scene.upstream.close();
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  const { task, warnings } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(warnings).toHaveLength(1);
});
