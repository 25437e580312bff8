/** `reserveRequests`: a part of a registry's announced quota is kept for others. Waits are not waited for: they move the clock. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { kysely } from '../../../src/db/sql.ts';
import { until } from '../../support/until.ts';
import { openStage } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';

let aheadMs = 0;
const clock = {
  aheadMs: () => aheadMs,
  delayMs: (waitMs: number) => {
    aheadMs += waitMs;
    return 1;
  },
};
const now = () => performance.now() + aheadMs;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ throttleClock: clock });
});
afterAll(() => stage.close());

interface Quota {
  readonly size: number;
  readonly seconds: number;
  /** Undefined: the answer says nothing of it. */
  readonly headers: (left: number, resetSeconds: number) => Record<string, string> | undefined;
}

/** Counts GETs of manifests in windows, as Docker Hub does: a HEAD is free. Only answers about manifests say what is left. */
function counting(serve: Answer, { size, seconds, headers }: Quota) {
  const seen = { least: size, windows: 0, heads: 0 };
  let left = 0;
  let endsAt = Number.NEGATIVE_INFINITY;
  const answer: Answer = async (request, response) => {
    if (request.url?.includes('/manifests/') === true) {
      if (now() >= endsAt) {
        seen.windows += 1;
        left = size;
        endsAt = now() + seconds * 1000;
      }
      if (request.method === 'GET') left -= 1;
      else seen.heads += 1;
      seen.least = Math.min(seen.least, left);
      const said = headers(left, Math.ceil((endsAt - now()) / 1000)) ?? {};
      for (const [name, value] of Object.entries(said)) response.setHeader(name, value);
    }
    if (typeof serve === 'function') await serve(request, response);
  };
  return { answer, seen };
}

let seeds = 0;
function manyTags(count: number): SampleRepository {
  const repository = createSampleRepository();
  seeds += 1;
  for (let at = 0; at < count; at += 1)
    addImage(repository, { seed: `quota-${process.pid}-${seeds}-${at}`, layers: [10], tag: `v${at}` });
  return repository;
}

type Seen = ReturnType<typeof counting>['seen'];

async function open(count: number, quota: Quota): Promise<Scene & { seen: Seen }> {
  const repository = manyTags(count);
  const { answer, seen } = counting(sampleAnswers(repository), quota);
  const remote = { reserveRequests: 12, downloadConcurrency: 5 };
  return { ...(await stage.open({ repository, upstream: { fallback: answer }, remote })), seen };
}

const announcedTo = ({ ids }: Scene) =>
  kysely(stage.harness.em())
    .selectFrom('announced_quota')
    .selectAll()
    .where('remote_id', '=', ids.remoteId)
    .execute();

const rows = () => kysely(stage.harness.em()).selectFrom('request_quota').selectAll().execute();

test.each([
  {
    name: 'a window whose end is announced',
    quota: {
      size: 30,
      seconds: 3_600,
      headers: (left: number, resetSeconds: number) => ({
        'ratelimit-remaining': String(left),
        'ratelimit-reset': String(resetSeconds),
      }),
    },
  },
  {
    name: "Docker Hub's, of which only the length is announced",
    quota: {
      size: 30,
      seconds: 150,
      headers: (left: number) => ({ 'ratelimit-remaining': `${left};w=150` }),
    },
  },
])('the reserve of $name is never used, and the sync completes', async ({ quota }) => {
  const scene = await open(30, quota);
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', waitsFor: null });
  expect(outcome.counts?.tagsDone).toBe(30);
  expect(scene.seen.windows).toBeGreaterThan(1);
  expect(scene.seen.least).toBeGreaterThanOrEqual(12);
  expect(await rows()).toEqual([]);
  // People see what is left, also of a quota that nobody has used up.
  await until(async () => {
    const [announced] = await announcedTo(scene);
    return announced !== undefined && announced.remaining >= 12 && announced.remaining <= quota.size;
  });
});

test('a registry that announces no quota any more is asked on', async () => {
  let announces = true;
  const scene = await open(25, {
    size: 30,
    seconds: 3_600,
    headers: (left) => {
      if (!announces) return undefined;
      announces = left > 12;
      return { 'ratelimit-remaining': `${left};w=3600` };
    },
  });
  const outcome = await scene.sync();
  expect(outcome.task.state).toBe('COMPLETED');
  expect(scene.seen.least).toBeLessThan(12);
});

test('a reserve of all that a registry allows is an error', async () => {
  const scene = await open(10, {
    size: 12,
    seconds: 60,
    headers: (left) => ({ 'ratelimit-limit': '12;w=60', 'ratelimit-remaining': `${left};w=60` }),
  });
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'FAILED', errorCode: 'QUOTA_TOO_SMALL' });
  expect(task.errorMessage).toContain('reserveRequests below 12');
});
