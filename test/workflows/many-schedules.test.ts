/**
 * Many schedules of one host that are due at the same moment. `TIDEMARK_MANY_SCHEDULES=1000 npm test -- test/workflows/many-schedules.test.ts`
 * does so with a thousand and a minute of jitter.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Task } from '../../src/db/schema/entities.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { createSchedule } from '../support/schedules.ts';
import type { TestSchedule } from '../support/schedules.ts';
import { startSyncHarness } from '../support/sync-harness.ts';
import type { SyncHarness } from '../support/sync-harness.ts';
import { until } from '../support/until.ts';

const count = Number(process.env['TIDEMARK_MANY_SCHEDULES'] ?? 40);
const jitterSeconds = count > 100 ? 60 : 4;
const syncsPerHost = 3;

let harness: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness({ syncsPerHost });
});
afterAll(() => harness?.close());

const tasks = () => harness.em().findAll(Task, { orderBy: { startedAt: 'asc' } });

const batch = 10;

/** How long the machine takes to make some schedules, as it is today, in seconds. */
async function timeBatch(repositories: readonly { repositoryId: number }[]): Promise<number> {
  const startedAt = performance.now();
  const made = await Promise.all(
    repositories.slice(0, batch).map((ids) => createSchedule(harness, ids, { catchupWindowSeconds: 3600 })),
  );
  await Promise.all(made.map((schedule) => schedule.delete()));
  return (performance.now() - startedAt) / 1000;
}

/** An interval that next comes round when all of them are made, and then not for a while: intervals count from 1970. */
function chooseMoment(batchSeconds: number): { readonly dueAt: number; readonly intervalSeconds: number } {
  const soon = Math.ceil(Date.now() / 1000 + 4 + 3 * batchSeconds * Math.ceil(count / batch));
  for (let dueAt = soon; ; dueAt += 1)
    for (let intervalSeconds = 600; intervalSeconds < 1200; intervalSeconds += 1)
      if (dueAt % intervalSeconds === 0) return { dueAt, intervalSeconds };
}

test(`${count} schedules that are due at once are spread by their jitter, run once each, and never more than ${syncsPerHost} at a time`, async () => {
  const content = createSampleRepository();
  addImage(content, { seed: 'many', layers: [1_000], tag: 'one' });
  const upstream = await startSampleUpstream({ repositories: new Map([['app', content]]) });
  const repositories: { repositoryId: number; remoteId: number }[] = [];
  for (let number = 0; number < count; number += 1)
    repositories.push(await harness.createRepository({ url: upstream.url, upstreamName: 'app' }));
  const { dueAt, intervalSeconds } = chooseMoment(await timeBatch(repositories));
  const schedules: TestSchedule[] = [];
  for (let from = 0; from < count; from += batch)
    schedules.push(
      ...(await Promise.all(
        repositories
          .slice(from, from + batch)
          .map((ids) =>
            createSchedule(harness, ids, { intervalSeconds, jitterSeconds, catchupWindowSeconds: 3600 }),
          ),
      )),
    );
  expect(Date.now() / 1000, 'the machine was too slow to make them in time').toBeLessThan(dueAt);

  const final = { state: { $in: ['COMPLETED', 'FAILED', 'CANCELED'] as const } };
  await until(async () => (await harness.em().count(Task, final)) === count);
  expect((await tasks()).map(({ state }) => state)).toEqual(Array(count).fill('COMPLETED'));
  const runs = (await Promise.all(schedules.map((schedule) => schedule.runs()))).flat();
  expect(runs).toHaveLength(count);
  expect(new Set(runs.map(({ taskId }) => taskId)).size).toBe(count);
  // a run tells the moment itself; when it was to begin, jitter included, Temporal does
  expect(new Set(runs.map((run) => run.dueAt.getTime() / 1000))).toEqual(new Set([dueAt]));
  const actions = (await Promise.all(schedules.map(({ handle }) => handle.describe()))).flatMap(
    ({ info }) => info.recentActions,
  );
  const moments = actions
    .map(({ scheduledAt }) => scheduledAt.getTime() / 1000 - dueAt)
    .sort((one, other) => one - other);
  expect(moments).toHaveLength(count);
  const [first = -1] = moments;
  const last = moments.at(-1) ?? Infinity;
  expect(first).toBeGreaterThanOrEqual(0);
  expect(last).toBeLessThanOrEqual(jitterSeconds);
  expect(last - first).toBeGreaterThan(jitterSeconds / 2);
  expect(new Set(moments).size).toBeGreaterThan(count / 2);

  const spans = (await tasks()).map(
    ({ startedAt, finishedAt }) => [Number(startedAt), Number(finishedAt)] as const,
  );
  const atOneTime = spans.map(([start]) => spans.filter(([from, to]) => from <= start && start < to).length);
  expect(Math.max(...atOneTime)).toBeLessThanOrEqual(syncsPerHost);
  console.log(
    `${count} schedules: spread over ${(last - first).toFixed(1)} s, at most ${Math.max(...atOneTime)} at a time, ` +
      `the last ended ${(Math.max(...spans.map(([, to]) => to)) / 1000 - dueAt).toFixed(1)} s after the moment`,
  );
  for (const schedule of schedules) await schedule.delete();
  await upstream.close();
}, 600_000);
