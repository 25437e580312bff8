/** Schedules that are due together are looked at together. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Task } from '../../../src/db/schema/tasks.ts';
import { addImage, createSampleRepository, moveTag } from '../../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import type { TestSchedule } from '../../support/sync/schedules.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';
import { until } from '../../support/until.ts';

let harness: SyncHarness;
beforeAll(async () => {
  harness = await startSyncHarness();
});
afterAll(() => harness?.close());

const none = { unchanged: 0, started: 0, skipped: 0, failedPages: 0 };

async function openUpstream(seed: string) {
  const content = createSampleRepository();
  const image = addImage(content, { seed, layers: [500], tag: 'one' });
  return { content, image, upstream: await openFakeUpstream({ fallback: sampleAnswers(content) }) };
}

async function createSchedules(url: string, count: number, prefix = 'app'): Promise<TestSchedule[]> {
  const schedules: TestSchedule[] = [];
  for (let number = 0; number < count; number += 1) {
    const ids = await harness.createRepository({ url, upstreamName: `${prefix}${number}` });
    schedules.push(await createSchedule(harness, ids));
  }
  return schedules;
}

const countTasks = () => harness.em().count(Task, {});
const untilSynced = () =>
  until(async () => (await harness.em().count(Task, { state: { $in: ['WAITING', 'RUNNING'] } })) === 0, {
    atMostMs: 180_000,
  });
const countWorkflows = async () =>
  (await harness.client.workflow.count(`TaskQueue = '${harness.taskQueue}'`)).count;

async function outcomes(schedules: readonly TestSchedule[]): Promise<string[]> {
  const runs = await Promise.all(schedules.map((schedule) => schedule.runs()));
  return runs.map(([last]) => last?.outcome ?? 'none');
}

// more than a page
const many = 104;

test(`${many} schedules in which nothing has changed are one workflow and no task; a changed one gets its sync`, async () => {
  const { content, upstream } = await openUpstream('group');
  const schedules = await createSchedules(upstream.url, many);
  const [first] = schedules;
  expect((await first?.run())?.result).toEqual({ ...none, started: many });
  await untilSynced();
  // the run, and a sync of each repository
  await until(async () => (await countWorkflows()) === many + 1);
  const tasks = await countTasks();

  expect((await first?.run())?.result).toEqual({ ...none, unchanged: many });
  expect(await countTasks()).toBe(tasks);
  await until(async () => (await countWorkflows()) > many + 1);
  expect(await countWorkflows()).toBe(many + 2);
  const runs = (await Promise.all(schedules.map((schedule) => schedule.runs()))).map(([last]) => last);
  expect(new Set(runs.map((run) => run?.dueAt.getTime())).size).toBe(1);
  expect(runs.every((run) => run?.outcome === 'UNCHANGED' && run.taskId === null)).toBe(true);

  const moved = addImage(content, { seed: 'group-moved', layers: [700] });
  const seventh = sampleAnswers({ ...content, tags: new Map([['one', moved.digest]]) });
  upstream.on('GET /v2/app7/tags/list', seventh);
  upstream.on('HEAD /v2/app7/manifests/one', seventh);
  upstream.on('GET /v2/app7/manifests/one', seventh);
  expect((await first?.run())?.result).toEqual({ ...none, unchanged: many - 1, started: 1 });
  await untilSynced();
  expect(await countTasks()).toBe(tasks + 1);
  expect((await schedules[7]?.runs())?.[0]).toMatchObject({ outcome: 'STARTED', taskId: expect.any(Number) });
  for (const schedule of schedules) await schedule.delete();
  await upstream.close();
}, 240_000);

test('a host that is down does not keep the looks at another from their answer', async () => {
  const up = await openUpstream('group-up');
  const down = await openUpstream('group-down');
  const dead = await createSchedules(down.upstream.url, 4, 'down');
  const healthy = await createSchedules(up.upstream.url, 4, 'up');
  await healthy[0]?.run();
  await untilSynced();
  await down.upstream.close();
  expect((await healthy[0]?.run())?.result).toEqual({ ...none, unchanged: 4, started: 4 });
  expect(await outcomes(healthy)).toEqual(Array(4).fill('UNCHANGED'));
  expect(await outcomes(dead)).toEqual(Array(4).fill('STARTED'));
  for (const schedule of [...dead, ...healthy]) await schedule.delete();
  await up.upstream.close();
});

test('paused and moved schedules take no part, nor do those that are created or resumed after the moment', async () => {
  const { content, upstream } = await openUpstream('group-members');
  const schedules = await createSchedules(upstream.url, 5, 'member');
  const [first, paused, moved, resumed] = schedules;
  const em = harness.em();
  const set = (schedule: TestSchedule | undefined, what: string) =>
    em.execute(`update schedule set ${what} where id = ?`, [schedule?.id]);
  await set(paused, 'paused = true');
  await set(moved, 'interval_seconds = interval_seconds - 1');
  await set(resumed, `due_from = now() + interval '1 hour'`);
  expect((await first?.run())?.result).toEqual({ ...none, started: 2 });
  expect(await outcomes(schedules)).toEqual(['STARTED', 'none', 'none', 'none', 'STARTED']);
  await untilSynced();
  moveTag(content, 'two', addImage(content, { seed: 'group-members-two', layers: [300] }));
  await set(paused, 'paused = false');
  await set(resumed, 'due_from = now()');
  expect((await first?.run())?.result).toEqual({ ...none, started: 4 });
  expect(await outcomes(schedules)).toEqual(['STARTED', 'STARTED', 'none', 'STARTED', 'STARTED']);
  await untilSynced();
  for (const schedule of schedules) await schedule.delete();
  await upstream.close();
});

test('two schedules of one repository that are due together make one task, and the other says which', async () => {
  const { upstream } = await openUpstream('group-twice');
  const ids = await harness.createRepository({ url: upstream.url, upstreamName: 'twice' });
  const [one, two] = [await createSchedule(harness, ids), await createSchedule(harness, ids)];
  expect((await one.run()).result).toEqual({ ...none, started: 1, skipped: 1 });
  const [[started], [skipped]] = [await one.runs(), await two.runs()];
  expect(started).toMatchObject({ outcome: 'STARTED' });
  expect(skipped).toMatchObject({ outcome: 'SKIPPED', taskId: started?.taskId });
  await untilSynced();
  for (const schedule of [one, two]) await schedule.delete();
  await upstream.close();
});

test('5,000 schedules are one run, in histories of fewer than 500 events', async () => {
  const count = 5_000;
  const em = harness.em();
  const { upstream } = await openUpstream('group-large');
  const [first] = await createSchedules(upstream.url, 1, 'large');
  // without a remote they are skipped, and nothing is asked for them
  await em.execute(
    `with made as (insert into repository (name) select 'large/' || n from generate_series(2, ?) as n returning id)
    insert into schedule (repository_id, interval_seconds, time_zone, jitter_seconds, catchup_window_seconds, mirror, allow_private, paused)
    select made.id, s.interval_seconds, s.time_zone, s.jitter_seconds, s.catchup_window_seconds, false, true, false
    from made, schedule s where s.id = ?`,
    [count, first?.id],
  );
  const run = await first?.run();
  expect(run?.result).toEqual({ ...none, started: 1, skipped: count - 1 });
  const { events = [] } =
    (await harness.client.workflow.getHandle(run?.workflowId ?? '', run?.runId).fetchHistory()) ?? {};
  expect(events?.length).toBeLessThan(500);
  expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
  const [runs] = await em.execute<{ runs: number; schedules: number }[]>(
    `select count(*) as runs, count(distinct schedule_id) as schedules from schedule_run
     where workflow_run_id = ?`,
    [run?.runId],
  );
  expect(runs).toEqual({ runs: count, schedules: count });
  await untilSynced();
  await em.execute('delete from schedule where id <> ?', [first?.id]);
  await first?.delete();
  await upstream.close();
}, 120_000);
