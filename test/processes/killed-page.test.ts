/** A worker process is SIGKILLed in the middle of a page of due schedules; another one goes on, and each schedule has one run. */
import { expect, test } from 'vitest';
import { Task } from '../../src/db/schema/tasks.ts';
import { createSchedule } from '../support/sync/schedules.ts';
import { until } from '../support/until.ts';
import { openScene } from './scene.ts';

const count = 12;

test.concurrent.for([
  { name: 'while it looks, before anything is recorded', changed: 0 },
  { name: 'after the first syncs have begun', changed: 3 },
])('fault 95: killed $name: each schedule has exactly one run of the moment', async ({ changed }) => {
  const scene = await openScene();
  const { stack, upstream } = scene;
  try {
    const first = await stack.launch('worker');
    const names = Array.from({ length: count }, (_, number) => `library/app${number}`);
    const schedules = [];
    for (const upstreamName of names) {
      const ids = await stack.createRepository({ url: upstream.url, upstreamName });
      // one that was never synced needs no look
      if (schedules.length >= changed) await stack.finish(await stack.start(ids));
      schedules.push(await createSchedule(stack, ids));
    }
    const tasks = await stack.em().count(Task, {});
    const held = scene.hold(`GET /v2/${names.at(-1)}/tags/list`);
    const [schedule] = schedules;
    const running = schedule?.run();
    await held.reached();
    await until(async () => (await stack.em().count(Task, {})) === tasks + changed);
    await first.end('SIGKILL');
    held.open();
    await stack.launch('worker');
    expect((await running)?.result).toEqual({
      unchanged: count - changed,
      started: changed,
      skipped: 0,
      failedPages: 0,
    });
    const runs = await Promise.all(schedules.map((one) => one.runs()));
    const outcomes = runs.map((own) => own.map(({ outcome }) => outcome));
    const expected = (_: unknown, index: number) => [index < changed ? 'STARTED' : 'UNCHANGED'];
    expect(outcomes).toEqual(Array.from({ length: count }, expected));
    expect(new Set(runs.flat().map(({ dueAt }) => dueAt.getTime())).size).toBe(1);
    for (const { taskId } of runs.flat())
      if (taskId !== null) expect(await stack.finish({ id: taskId })).toMatchObject({ state: 'COMPLETED' });
    expect(await stack.em().count(Task, {})).toBe(tasks + changed);
    for (const one of schedules) await one.delete();
  } finally {
    await scene.close();
  }
});
