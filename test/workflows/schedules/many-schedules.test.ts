/**
 * Many schedules of one host that are due at the same moment. `TIDEMARK_MANY_SCHEDULES=1000 npm test -- test/workflows/schedules/many-schedules.test.ts`
 * does so with a thousand and a minute of jitter.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Task } from '../../../src/db/schema/tasks.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../../src/demo/sample-upstream.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import type { TestSchedule } from '../../support/sync/schedules.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';
import { until } from '../../support/until.ts';

const count = Number(process.env['TIDEMARK_MANY_SCHEDULES'] ?? 40);
const jitterSeconds = count > 100 ? 60 : 4;
const syncsPerHost = 3;

let harness: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness({ syncsPerHost });
});
afterAll(() => harness?.close());

const batch = 10;

const isFinal = ({ state }: Task) => ['COMPLETED', 'FAILED', 'CANCELED'].includes(state);

interface Moment {
  readonly dueAt: number;
  readonly intervalSeconds: number;
}

/** An interval that comes round in `seconds`, and then not for ten minutes: intervals count from 1970. */
function chooseMoment(seconds: number): Moment {
  for (let dueAt = Math.ceil(Date.now() / 1000 + seconds); ; dueAt += 1)
    for (let intervalSeconds = 600; intervalSeconds < 1200; intervalSeconds += 1)
      if (dueAt % intervalSeconds === 0) return { dueAt, intervalSeconds };
}

interface DueAtOnce extends Moment {
  readonly repositoryIds: readonly number[];
  readonly schedules: readonly TestSchedule[];
}

/** Creates all schedules before the moment at which they are due. A machine that is too slow for that gets twice the time. */
async function createDueAtOnce(url: string, seconds = count / 4): Promise<DueAtOnce> {
  const repositories: { repositoryId: number }[] = [];
  for (let number = 0; number < count; number += 1)
    repositories.push(await harness.createRepository({ url, upstreamName: 'app' }));
  const moment = chooseMoment(seconds);
  const { dueAt, intervalSeconds } = moment;
  const schedules: TestSchedule[] = [];
  for (let from = 0; from < count; from += batch) {
    const wish = { intervalSeconds, jitterSeconds, catchupWindowSeconds: 3600 };
    const some = repositories.slice(from, from + batch);
    schedules.push(...(await Promise.all(some.map((ids) => createSchedule(harness, ids, wish)))));
    if (Date.now() / 1000 < dueAt) continue;
    await Promise.all(schedules.map((schedule) => schedule.delete()));
    return createDueAtOnce(url, 2 * seconds);
  }
  return { ...moment, schedules, repositoryIds: repositories.map(({ repositoryId }) => repositoryId) };
}

test(`${count} schedules that are due at once are one workflow, run once each, and never more than ${syncsPerHost} at a time`, async () => {
  const content = createSampleRepository();
  addImage(content, { seed: 'many', layers: [1_000], tag: 'one' });
  const upstream = await startSampleUpstream({ repositories: new Map([['app', content]]) });
  const { dueAt, schedules, repositoryIds } = await createDueAtOnce(upstream.url);

  const readTasks = () => harness.em().find(Task, { repositoryId: { $in: [...repositoryIds] } });
  await until(async () => (await readTasks()).filter(isFinal).length === count, { atMostMs: 580_000 });
  const tasks = await readTasks();
  expect(tasks.map(({ state }) => state)).toEqual(Array(count).fill('COMPLETED'));
  const runs = (await Promise.all(schedules.map((schedule) => schedule.runs()))).flat();
  expect(runs).toHaveLength(count);
  expect(new Set(runs.map(({ taskId }) => taskId)).size).toBe(count);
  // a run tells the moment itself; when it was to begin, jitter included, Temporal does
  expect(new Set(runs.map((run) => run.dueAt.getTime() / 1000))).toEqual(new Set([dueAt]));
  const [handle, ...others] = new Map(schedules.map((one) => [one.handle.scheduleId, one.handle])).values();
  expect(others).toEqual([]);
  const { recentActions = [] } = (await handle?.describe())?.info ?? {};
  const moments = recentActions.map(({ scheduledAt }) => scheduledAt.getTime() / 1000 - dueAt);
  expect(moments).toEqual([expect.any(Number)]);
  expect(moments[0]).toBeGreaterThanOrEqual(0);
  expect(moments[0]).toBeLessThanOrEqual(jitterSeconds);

  const spans = tasks.map(({ startedAt, finishedAt }) => [Number(startedAt), Number(finishedAt)] as const);
  const atOneTime = spans.map(([start]) => spans.filter(([from, to]) => from <= start && start < to).length);
  expect(Math.max(...atOneTime)).toBeLessThanOrEqual(syncsPerHost);
  console.log(
    `${count} schedules: at most ${Math.max(...atOneTime)} at a time, ` +
      `the last ended ${(Math.max(...spans.map(([, to]) => to)) / 1000 - dueAt).toFixed(1)} s after the moment`,
  );
  for (const schedule of schedules) await schedule.delete();
  await upstream.close();
}, 600_000);
