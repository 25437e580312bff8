/** First pulls through a proxy that wait: for the upstream while the proxy is changed, and for their turn while their clients leave. */
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNumericId } from '../../src/operations/global-id.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { pull } from '../support/api/pull.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { openSampleRegistry } from '../support/upstream/sample-registry.ts';
import { until } from '../support/until.ts';

let stage: Stage;
let api: HarnessApi;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  stage = await openStage();
  api = await startHarnessApi(stage.harness);
});
afterAll(async () => {
  await api?.close();
  await Promise.all(closings.map((close) => close()));
  await stage?.close();
});

/** A registry that holds its answers to requests for `v1` back, behind a proxy. */
async function openHeld(basePath: string, ...names: string[]) {
  const registry = await openSampleRegistry(...names);
  closings.push(() => registry.upstream.close());
  const gate = Promise.withResolvers<void>();
  for (const [name, repository] of registry.repositories)
    registry.upstream.on(`GET /v2/${name}/manifests/v1`, async (asking, response) => {
      await gate.promise;
      const answer = sampleAnswers(repository);
      if (typeof answer === 'function') await answer(asking, response);
    });
  const input = { basePath, url: registry.upstream.url, maxRetries: 0 };
  const { proxy } = await api.mutate('proxyCreate', input, 'proxy { id }');
  return { ...registry, open: () => gate.resolve(), id: String(proxy.id) };
}

const get = (path: string) => pull(api.url, { path: `/v2/${path}` });

test('a proxy that is changed while the upstream is asked makes the repository by its new settings', async () => {
  const former = await openHeld('changing', 'team/app');
  const present = await openSampleRegistry('team/app');
  closings.push(() => present.upstream.close());
  const pulling = get('changing/team/app/manifests/v1');
  await until(() => former.asked('team/app') === 1);
  const changes = { id: former.id, url: present.upstream.url, tagTtlSeconds: 9, includeTags: ['v*'] };
  expect((await api.mutate('proxyUpdate', changes)).userErrors).toEqual([]);
  former.open();
  const { status, headers } = await pulling;
  expect([status, headers['docker-content-digest']]).toEqual([200, present.digests['team/app']]);
  const made = await api.data(
    `{ repository(name: "changing/team/app") { remote { url includeTags } } distribution(basePath: "changing/team/app") { tagTtlSeconds } }`,
  );
  expect(made).toEqual({
    repository: { remote: { url: present.upstream.url, includeTags: ['v*'] } },
    distribution: { tagTtlSeconds: 9 },
  });
});

test('a question whose clients have left before its turn is not asked, and others are', async () => {
  const names = Array.from({ length: 32 }, (_, at) => `team/busy${at}`);
  const held = await openHeld('queue', ...names, 'team/left', 'team/late', 'team/kept');
  const busy = names.map((name) => get(`queue/${name}/manifests/v1`));
  await until(() => held.upstream.requests.length === names.length);

  const path = '/v2/queue/team/left/manifests/v1';
  const leaving = request(new URL(path, api.url), { agent: false }).on('error', () => undefined);
  leaving.end();
  const wish = (name: string) => ({
    proxyId: parseNumericId('Proxy', held.id) ?? 0,
    name: `queue/${name}`,
    upstreamName: name,
    reference: { tag: 'v1' },
  });
  const client = new AbortController();
  const late = api.upstreams.makeProxied(wish('team/late'), client.signal);
  const both = [
    api.upstreams.makeProxied(wish('team/kept'), client.signal),
    api.upstreams.makeProxied(wish('team/kept')),
  ];
  client.abort(new Error('the client has left'));
  await expect(late).rejects.toThrow('the client has left');
  await expect(both[0]).rejects.toThrow('the client has left');
  // The request has come before it ends.
  await until(() => leaving.writableFinished);
  leaving.destroy();
  await until(() => api.accessed().some((line) => line['path'] === path));
  held.open();
  expect((await Promise.all(busy)).map(({ status }) => status)).toEqual(names.map(() => 200));
  expect(await both[1]).toEqual({ kind: 'made' });
  expect(['team/left', 'team/late', 'team/kept'].map((name) => held.asked(name))).toEqual([0, 0, 1]);
  // it has not spoilt the next pull
  expect((await get('queue/team/late/manifests/v1')).status).toBe(200);
});
