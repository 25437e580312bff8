/** Requests that do not depend on each other are under way together, within the remote's limit of requests. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { TaskWarning } from '../../../src/db/schema/tasks.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { answersWithReferrers, signByReferrer } from '../../support/signatures/signed-sample.ts';
import { useDirectStage } from '../../support/sync/direct-stage.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';

const opened = useDirectStage();
const tags = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6'];

interface Gate {
  /** Whether the answer waits for another request to arrive. */
  hold: (request: IncomingMessage) => boolean;
}

async function openScene(downloadConcurrency = 20) {
  const seed = randomUUID();
  const repository = createSampleRepository();
  const images = tags.map((tag) => addImage(repository, { seed: `${seed}-${tag}`, layers: [100], tag }));
  const withApi = answersWithReferrers(repository);
  const gate: Gate = { hold: () => false };
  const waiting: (() => void)[] = [];
  const flight = { now: 0, most: 0 };
  const fallback: Answer = async (request, response) => {
    flight.now += 1;
    flight.most = Math.max(flight.most, flight.now);
    response.on('finish', () => {
      flight.now -= 1;
    });
    for (const go of waiting.splice(0)) go();
    while (gate.hold(request)) await new Promise<void>((resolve) => waiting.push(resolve));
    if (request.url === '/v2/') response.writeHead(200).end('{}');
    else if (typeof withApi === 'function') await withApi(request, response);
  };
  const scene = await opened.stage.open({
    repository,
    upstream: { fallback },
    remote: { downloadConcurrency },
  });
  const sync = async () => expect(await opened.direct.run(scene.ids, true)).toBe(undefined);
  return { ...scene, images, gate, flight, sync };
}

const isList = ({ url = '' }: IncomingMessage) => url.includes('/tags/list');
const isHead = ({ method }: IncomingMessage) => method === 'HEAD';
const isReferrers = ({ url = '' }: { readonly url?: string | undefined }) => url.includes('/referrers/');

test('the registry is asked what it is while it lists its tags', async () => {
  const { gate, upstream, sync } = await openScene();
  gate.hold = (request) => isList(request) && !upstream.requests.some(({ path }) => path === '/v2/');
  await sync();
});

test('present manifests are asked about while their tags are looked up, and the other way round', async () => {
  const { gate, upstream, sync } = await openScene();
  await sync();
  for (const [held, awaited] of [
    [isHead, isReferrers],
    [isReferrers, isHead],
  ] as const) {
    upstream.requests.length = 0;
    const sentAll = () =>
      upstream.requests.filter(({ method, path: url }) => awaited({ method, url } as IncomingMessage))
        .length === tags.length;
    gate.hold = (request) => held(request) && !sentAll();
    await sync();
  }
});

test('tags and referrers together stay within downloadConcurrency', async () => {
  const { flight, sync, upstream } = await openScene(3);
  await sync();
  flight.most = 0;
  upstream.requests.length = 0;
  await sync();
  expect(upstream.requests.filter(({ path: url }) => isReferrers({ url }))).toHaveLength(tags.length);
  expect(flight.most).toBeLessThanOrEqual(3);
});

test('a tag that has moved is asked about after it, and its referrers are taken', async () => {
  const scene = await openScene();
  await scene.sync();
  const moved = addImage(scene.repository, { seed: randomUUID(), layers: [100], tag: 'v1' });
  const signature = signByReferrer(scene.repository, moved);
  await scene.sync();
  const content = await opened.stage.harness.content(scene.ids.repositoryId, 2, 'manifest');
  expect(content).toContain(signature.digest);
  expect(content).not.toContain(scene.images[0]?.digest);
});

test('a failure of a request that was sent ahead is a warning of the sync that uses it', async () => {
  const scene = await openScene();
  await scene.sync();
  const [first] = scene.images;
  const path = `/v2/library/app/referrers/${first?.digest}`;
  scene.upstream.on(`GET ${path}`, json({ errors: [{ code: 'DENIED' }] }, {}, 403));
  const { task } = await opened.stage.harness.sync(scene.ids, { mirror: true });
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  const warnings = await opened.stage.harness.em().find(TaskWarning, { taskId: task.id });
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining(String(first?.digest))]);
  expect(scene.upstream.requestsOf(`GET ${path}`).length).toBeGreaterThan(0);
});
