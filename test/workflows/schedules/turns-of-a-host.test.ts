/** Runs of schedules on a real Temporal, and the turns that syncs take at one host. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Task } from '../../../src/db/schema/tasks.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';
import { until } from '../../support/until.ts';
import { upstreamName, listRoute, openUpstream, readTask } from '../../support/sync/scheduled.ts';

describe('syncs of one host take turns', () => {
  let harness: SyncHarness;
  beforeAll(async () => {
    harness = await startSyncHarness({ syncsPerHost: 1 });
  });
  afterAll(() => harness?.close());

  const isWaiting = async (task: Task) =>
    (await harness.client.workflow.getHandle(task.workflowId).fetchHistory()).events?.some(
      (event) => event.timerStartedEventAttributes != null,
    ) ?? false;

  test('syncs beyond the cap wait through a restart of the worker, can be cancelled, and start when a sync of the host ends', async () => {
    const upstream = await openUpstream();
    const elsewhere = await openUpstream();
    const create = (url: string) => harness.createRepository({ url, upstreamName });
    const held: ServerResponse[] = [];
    upstream.on(listRoute, (_, response) => void held.push(response));
    const first = await harness.start(await create(upstream.url));
    await until(() => upstream.requestsOf(listRoute).length === 1);
    const second = await harness.start(await create(upstream.url));
    const third = await harness.start(await create(upstream.url));
    await until(async () => (await isWaiting(second)) && (await isWaiting(third)));
    expect((await harness.sync(await create(elsewhere.url))).task.state).toBe('COMPLETED');
    expect((await readTask(harness, second.id)).state).toBe('WAITING');
    expect(upstream.requestsOf(listRoute)).toHaveLength(1);

    await harness.client.workflow.getHandle(third.workflowId).cancel();
    expect((await harness.finish(third)).task.state).toBe('CANCELED');
    await harness.stopWorker();
    await harness.restartWorker();
    await harness.client.workflow.getHandle(first.workflowId).cancel();
    expect((await harness.finish(first)).task.state).toBe('CANCELED');
    // only now does the upstream answer: the first sync can not have completed before it was cancelled
    upstream.on(listRoute);
    for (const response of held) response.destroy();
    const outcome = await harness.finish(second);
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    // the signal starts it: a look of its own, which comes every 30 seconds, does not
    const { events } = await harness.client.workflow.getHandle(second.workflowId).fetchHistory();
    const signal = events?.findIndex((event) => event.workflowExecutionSignaledEventAttributes != null) ?? -1;
    expect(signal).toBeGreaterThan(0);
    const later = events?.slice(signal) ?? [];
    expect(later.some((event) => event.timerFiredEventAttributes != null)).toBe(false);
    await Promise.all([upstream.close(), elsewhere.close()]);
  });

  test('twenty syncs of one host never run two at a time, and all complete', async () => {
    const upstream = await openUpstream();
    const tasks: Task[] = [];
    for (let count = 0; count < 20; count += 1)
      tasks.push(await harness.start(await harness.createRepository({ url: upstream.url, upstreamName })));
    for (const task of tasks) expect((await harness.finish(task)).task.state).toBe('COMPLETED');
    const spans = await Promise.all(tasks.map((task) => readTask(harness, task.id)));
    spans.sort((one, other) => Number(one.startedAt) - Number(other.startedAt));
    for (const [index, task] of spans.slice(1).entries())
      expect(Number(task.startedAt)).toBeGreaterThanOrEqual(Number(spans[index]?.finishedAt));
    await upstream.close();
  });
});
