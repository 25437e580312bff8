/** Upstreams that count requests: what a sync waits, what it asks for again, and when it gives up. Time is the test's own. */
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, createSampleRepository, moveTag } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { readTaskCounts } from '../../../src/db/tasks/tasks.ts';
import { openStage, upstreamName } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';

/** Waits are not waited for: they move the clock. */
function createClock() {
  let aheadMs = 0;
  const waits: number[] = [];
  /** Requests of hosts that wait really, until the test ends them. */
  const clock = {
    stands: false,
    waits,
    now: () => performance.now() + aheadMs,
    aheadMs: () => aheadMs,
    delayMs: (waitMs: number) => {
      waits.push(waitMs);
      if (clock.stands) return waitMs;
      aheadMs += waitMs;
      return 1;
    },
  };
  return clock;
}

const clock = createClock();
const budgetSeconds = 200;
let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ throttleClock: clock, throttleBudgetSeconds: budgetSeconds });
});
afterAll(() => stage.close());

interface Window {
  readonly size: number;
  readonly seconds: number;
  /** What an answer says of it. */
  readonly headers: (left: number, resetSeconds: number) => Record<string, string>;
  readonly counts: (request: IncomingMessage) => boolean;
}

const isManifestGet = ({ method, url = '' }: IncomingMessage) =>
  method === 'GET' && url.includes('/manifests/') && !url.includes('/manifests/sha256-');

/** Lets so many of the requests that it counts through in each window, from the first of them on. */
function throttle(serve: Answer, window: Window) {
  const seen = { windows: 0, counted: 0, refused: 0 };
  let left = 0;
  let endsAt = Number.NEGATIVE_INFINITY;
  const answer: Answer = async (request, response) => {
    if (window.counts(request)) {
      if (clock.now() >= endsAt) {
        seen.windows += 1;
        left = window.size;
        endsAt = clock.now() + window.seconds * 1000;
      }
      const resetSeconds = Math.ceil((endsAt - clock.now()) / 1000);
      if (left === 0) {
        seen.refused += 1;
        response.writeHead(429, { ...window.headers(0, resetSeconds), 'content-length': '0' }).end();
        return;
      }
      left -= 1;
      seen.counted += 1;
      for (const [name, value] of Object.entries(window.headers(left, resetSeconds)))
        response.setHeader(name, value);
    }
    if (typeof serve === 'function') await serve(request, response);
  };
  return { answer, seen };
}

let seeds = 0;
function manyTags(count: number): SampleRepository {
  const repository = createSampleRepository();
  seeds += 1;
  const layer = addImage(repository, { seed: `throttles-${process.pid}-${seeds}`, layers: [100] });
  const document = repository.manifests.get(layer.digest);
  if (document === undefined) throw new Error('no document');
  const parsed = JSON.parse(document.bytes.toString()) as {
    layers: { mediaType: string; digest: string; size: number }[];
  };
  for (let at = 0; at < count; at += 1)
    addImage(repository, {
      seed: `throttles-${process.pid}-${seeds}-${at}`,
      layers: parsed.layers as never,
      tag: `v${String(at).padStart(4, '0')}`,
    });
  return repository;
}

async function open(
  repository: SampleRepository,
  window: Partial<Window>,
): Promise<Scene & { seen: ReturnType<typeof throttle>['seen'] }> {
  const { answer, seen } = throttle(sampleAnswers(repository), {
    size: 100,
    seconds: 21_600,
    headers: () => ({}),
    counts: isManifestGet,
    ...window,
  });
  // repeated by the client, a refused request would only be refused again
  const scene = await stage.open({ repository, upstream: { fallback: answer }, remote: { maxRetries: 0 } });
  return { ...scene, seen };
}

describe('a first sync of more tags than a window of GETs has completes by itself', () => {
  const forms: [string, number, Partial<Window>][] = [
    [
      'as Docker Hub does, which says how long its window is',
      250,
      {
        seconds: 200,
        headers: (left) => ({ 'ratelimit-limit': '100;w=200', 'ratelimit-remaining': `${left};w=200` }),
      },
    ],
    [
      'with a Retry-After of hours',
      130,
      { headers: (left, reset) => (left === 0 ? { 'retry-after': String(reset) } : {}) },
    ],
    [
      'of the IETF draft',
      1_000,
      {
        headers: (left, reset) => ({
          ratelimit: `"default";r=${left};t=${reset}`,
          'ratelimit-policy': '"default";q=100;w=21600',
        }),
      },
    ],
    [
      'of X-RateLimit, in seconds',
      130,
      {
        headers: (left, reset) => ({
          'x-ratelimit-remaining': String(left),
          'x-ratelimit-reset': String(reset),
        }),
      },
    ],
    ['of a minute that says nothing', 130, { seconds: 60 }],
    [
      'of a minute that counts every request for a manifest',
      130,
      {
        seconds: 60,
        counts: ({ url = '' }) => url.includes('/manifests/'),
      },
    ],
  ];
  test.each(forms)('%s', async (_, tags, window) => {
    const scene = await open(manyTags(tags), window);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(outcome.summary?.present.tags).toBe(tags);
    // no manifest is counted twice
    expect(scene.seen.counted).toBe(tags);
    expect(scene.seen.windows).toBe(Math.ceil(tags / 100));
    expect(outcome.warnings.join()).toContain('limits the rate of requests');
    const { events } = await stage.harness.client.workflow.getHandle(outcome.task.workflowId).fetchHistory();
    expect(events?.length).toBeLessThan(100);
  });
});

test('a 429 without Retry-After is retried with back-off, up to the budget without progress', async () => {
  const scene = await open(manyTags(3), { size: 1 });
  clock.waits.length = 0;
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: 'UPSTREAM_RATE_LIMITED' });
  expect(outcome.task.errorMessage).toMatch(/429.*without any progress.*TIDEMARK_THROTTLE_BUDGET/);
  const [first, second, third, ...others] = clock.waits;
  expect([first, second, third]).toEqual([5_000, 15_000, 45_000]);
  expect(new Set(others)).toEqual(new Set([60_000]));
  const waitedMs = clock.waits.reduce((sum, wait) => sum + wait, 0);
  expect(waitedMs).toBeGreaterThanOrEqual(budgetSeconds * 1000);
  expect(waitedMs).toBeLessThan((budgetSeconds + 60) * 1000);
});

test('a sync after one that failed fetches no manifest again that is still the same', async () => {
  const repository = manyTags(120);
  const scene = await stage.open({ repository, upstream: { fallback: sampleAnswers(repository) } });
  const blob = [...repository.blobs.keys()].at(-1) ?? '';
  scene.upstream.on(`GET /v2/${upstreamName}/blobs/${blob}`, json({}, {}, 404));
  expect((await scene.sync()).task.state).toBe('FAILED');
  const moved = addImage(repository, { seed: `${scene.seed}-moved`, layers: [50] });
  moveTag(repository, 'v0007', moved);
  scene.upstream.requests.length = 0;
  scene.upstream.on(`GET /v2/${upstreamName}/blobs/${blob}`, {
    body: repository.blobs.get(blob as never) ?? '',
  });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(await stage.harness.tags(scene.ids.repositoryId, 1)).toEqual(
    new Map([...repository.tags].sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  const got = scene.upstream.requests.filter(
    ({ method, path }) => method === 'GET' && /\/manifests\/v/.test(path),
  );
  expect(got.map(({ path }) => path)).toEqual([`/v2/${upstreamName}/manifests/v0007`]);
});

test('while a host is throttled no sync asks it, progress says until when, and both can be canceled', async () => {
  const repository = manyTags(3);
  const scene = await open(repository, {
    size: 1,
    headers: (left, reset) => (left === 0 ? { 'retry-after': String(reset) } : {}),
  });
  const other = await stage.harness.createRepository({ url: scene.upstream.url, upstreamName });
  clock.stands = true;
  try {
    const task = await stage.harness.start(scene.ids);
    const untilOf = async (taskId: number) =>
      (await readTaskCounts(stage.harness.em(), [taskId])).get(taskId)?.throttledUntil?.getTime() ?? 0;
    await expect.poll(() => untilOf(task.id)).toBeGreaterThan(Date.now() + 3_600_000);
    const asked = scene.upstream.requests.length;
    const second = await stage.harness.start(other);
    await expect.poll(async () => (await stage.harness.read(second.id)).warnings).toHaveLength(1);
    expect(scene.upstream.requests).toHaveLength(asked);
    for (const one of [task, second]) {
      await stage.harness.client.workflow.getHandle(one.workflowId).cancel();
      expect((await stage.harness.finish(one)).task.state).toBe('CANCELED');
      expect(await untilOf(one.id)).toBe(0);
    }
  } finally {
    clock.stands = false;
  }
});
