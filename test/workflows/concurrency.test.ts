import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { until } from '../support/until.ts';

let harness: SyncHarness;
let wide: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness({ workerConnections: 5 });
  wide = await startSyncHarness();
});
afterAll(() => Promise.all([harness?.close(), wide?.close()]));

/** Notes how many requests were open at one time. It holds those for blobs back until `most` have been: so many do come at once. */
async function startCountingProxy(target: string, most: number) {
  let open = 0;
  const seen = { most: 0 };
  const reached = Promise.withResolvers<void>();
  const passOn = async (request: IncomingMessage, response: ServerResponse) => {
    open += 1;
    seen.most = Math.max(seen.most, open);
    if (open >= most) reached.resolve();
    response.once('close', () => {
      open -= 1;
    });
    if (request.url?.includes('/blobs/') === true) await reached.promise;
    await sleep(15);
    const forward = httpRequest(`${target}${request.url}`, { method: request.method ?? 'GET' }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.end();
  };
  const server = createServer((request, response) => void passOn(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen, close: () => server.close() };
}

test.each([
  { name: 'downloadConcurrency caps the requests of a whole sync', downloadConcurrency: 3, most: 3 },
  { name: 'the worker’s own cap holds where a remote wants more', downloadConcurrency: 50, most: 5 },
])('$name', async ({ downloadConcurrency, most }) => {
  const content = createSampleRepository();
  for (let number = 0; number < 30; number += 1)
    addImage(content, {
      seed: `${downloadConcurrency}-${number}`,
      layers: [2_000, 3_000],
      tag: `v${number}`,
    });
  const upstream = await startSampleUpstream({ repositories: new Map([['many', content]]) });
  const proxy = await startCountingProxy(upstream.url, most);
  const ids = await harness.createRepository({ url: proxy.url, upstreamName: 'many', downloadConcurrency });
  const outcome = await harness.sync(ids);
  expect(outcome.task.state).toBe('COMPLETED');
  expect(proxy.seen.most).toBe(most);
  proxy.close();
  await upstream.close();
});

test('rateLimit spaces the requests of a remote, whatever the concurrency', async () => {
  const content = createSampleRepository();
  for (let number = 0; number < 5; number += 1)
    addImage(content, { seed: `rate-${number}`, layers: [100], tag: `v${number}` });
  const upstream = await startSampleUpstream({ repositories: new Map([['few', content]]) });
  const ids = await harness.createRepository({ url: upstream.url, upstreamName: 'few', rateLimit: 20 });
  const startedAt = performance.now();
  const outcome = await harness.sync(ids);
  const seconds = (performance.now() - startedAt) / 1000;
  expect(outcome.task.state).toBe('COMPLETED');
  // never faster than the limit; how much slower it is, is the machine's affair
  expect(upstream.requests.length).toBeGreaterThanOrEqual(16);
  expect((upstream.requests.length - 1) / seconds).toBeLessThanOrEqual(20);
  await upstream.close();
});

test.each([
  { shared: 'a remote', isOne: true },
  { shared: 'a host, with remotes of their own', isOne: false },
])('two repositories that share $shared share its rateLimit', async ({ isOne }) => {
  const content = createSampleRepository();
  for (let number = 0; number < 5; number += 1)
    addImage(content, { seed: `shared-${isOne}-${number}`, layers: [100], tag: `v${number}` });
  const upstream = await startSampleUpstream({ repositories: new Map([['few', content]]) });
  const { repositoryId, remoteId } = await harness.createRepository({
    url: upstream.url,
    upstreamName: 'few',
    rateLimit: 20,
  });
  const other = await harness.createRepository({ url: upstream.url, upstreamName: 'few', rateLimit: 20 });
  const startedAt = performance.now();
  const outcomes = await Promise.all([
    harness.sync({ repositoryId, remoteId }),
    harness.sync(isOne ? { repositoryId: other.repositoryId, remoteId } : other),
  ]);
  const seconds = (performance.now() - startedAt) / 1000;
  expect(outcomes.map(({ task }) => task.state)).toEqual(['COMPLETED', 'COMPLETED']);
  // two lists, and each manifest once more or twice; blobs are fetched once
  expect(upstream.requests.length).toBeGreaterThanOrEqual(17);
  expect((upstream.requests.length - 1) / seconds).toBeLessThanOrEqual(20);
  await upstream.close();
});

test('cancelled requests that wait for their slot delay the next sync by a second at most', async () => {
  const content = createSampleRepository();
  for (let number = 0; number < 40; number += 1)
    addImage(content, { seed: `given-up-${number}`, layers: [100], tag: `v${number}` });
  const upstream = await startSampleUpstream({ repositories: new Map([['few', content]]) });
  const rateLimit = 2;
  const ids = await wide.createRepository({
    url: upstream.url,
    upstreamName: 'few',
    rateLimit,
    downloadConcurrency: 20,
  });
  const task = await wide.start(ids);
  await until(() => upstream.requests.length >= 2);
  await wide.client.workflow.getHandle(task.workflowId).cancel();
  expect((await wide.finish(task)).task.state).toBe('CANCELED');
  const [budget] = await wide
    .em()
    .execute<{ ahead: number }[]>(
      `select extract(epoch from next_request_at - clock_timestamp())::float8 as ahead from host_budget where host = ?`,
      [new URL(upstream.url).host],
    );
  expect(budget?.ahead).toBeLessThanOrEqual(1 + 1 / rateLimit);
  await upstream.close();
});
