/** Sync windows: a sync waits for one, and pauses at its end. The time of the windows is the test's own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInWindow } from '../../../src/activities/sync/sync-window.ts';
import { Task } from '../../../src/db/schema/tasks.ts';
import { pauseTask } from '../../../src/db/tasks/start-task.ts';
import { readNextInLine } from '../../../src/db/tasks/sync-turns.ts';
import { createSyncTask, finishTask } from '../../../src/db/tasks/tasks.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { taskKey } from '../../../src/db/tasks/task-log.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { verifyBlobs } from '../../support/sync/stage.ts';
import type { Scene } from '../../support/sync/stage.ts';
import { blob } from '../../support/upstream/fake-upstream.ts';
import { until } from '../../support/until.ts';

const day = Date.parse('2026-06-01T00:00Z');
const hour = 3_600_000;
let aheadMs = 0;
const setTime = (hours: number) => {
  aheadMs = day + hours * hour - Date.now();
};
/** A wait is a look at the time, a little later. */
const clock = { aheadMs: () => aheadMs, delayMs: () => 40 };

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi({ throttleClock: clock, syncsPerHost: 1 });
});
afterAll(() => stage.close());

const windows = { syncWindows: ['22:00-06:00'] };

async function untilWaiting({ harness }: Scene, taskId: number): Promise<Task> {
  const read = () => harness.em().findOneOrFail(Task, { id: taskId });
  await until(async () => (await read()).waitsFor !== null);
  return read();
}

test('a sync waits for its window, and asks the upstream nothing before', async () => {
  setTime(12);
  const scene = await stage.open({ remote: windows });
  const started = await scene.harness.start(scene.ids);
  const task = await untilWaiting(scene, started.id);
  expect(task).toMatchObject({ state: 'WAITING', waitsFor: 'SYNC_WINDOW', startedAt: null });
  expect(task.waitsUntil).toEqual(new Date(day + 22 * hour));
  expect(scene.upstream.requests).toEqual([]);
  const shown = await stage.api.data(
    `{ task(id: "${taskKey(task.id)}") { state progress { waitsFor waitsUntil } } }`,
  );
  expect(shown).toEqual({
    task: {
      state: 'WAITING',
      progress: { waitsFor: 'SYNC_WINDOW', waitsUntil: '2026-06-01T22:00:00.000Z' },
    },
  });
  // a sync of the same host that has no windows takes the only turn
  const { upstream } = scene;
  const other = await scene.harness.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  expect((await scene.harness.sync(other)).task.state).toBe('COMPLETED');

  setTime(22);
  const outcome = await scene.harness.finish(started);
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, waitsFor: null });
  expect(outcome.task.waitsUntil).toBeNull();
});

test('a sync that waits can be cancelled, and continues when the windows are changed', async () => {
  setTime(12);
  const scene = await stage.open({ remote: windows });
  const cancelled = await scene.harness.start(scene.ids);
  await untilWaiting(scene, cancelled.id);
  await scene.harness.client.workflow.getHandle(cancelled.workflowId).cancel();
  expect((await scene.harness.finish(cancelled)).task).toMatchObject({ state: 'CANCELED', errorCode: null });

  const task = await scene.harness.start(scene.ids);
  await untilWaiting(scene, task.id);
  await scene.harness.updateRemote(scene.ids.remoteId, { syncWindows: null });
  expect((await scene.harness.finish(task)).task.state).toBe('COMPLETED');
});

test('a sync that runs into the end of its window pauses, and resumes its blob by Range', async () => {
  setTime(5.9);
  const repository = createSampleRepository();
  addImage(repository, { seed: 'window', layers: [400_000], tag: 'v1' });
  const scene = await stage.open({ repository, remote: windows });
  const [digest = '', body = Buffer.alloc(0)] =
    [...repository.blobs].find(([, bytes]) => bytes.length >= 400_000) ?? [];
  const route = `GET /v2/library/app/blobs/${digest}`;
  let sent = 0;
  scene.upstream.on(
    route,
    (_request, response) => {
      response.writeHead(200, { 'content-length': String(body.length) });
      response.write(body.subarray(0, 250_000), () => {
        sent = 250_000;
      });
    },
    blob(body),
  );
  const task = await scene.harness.start(scene.ids);
  await until(
    async () => (await scene.harness.read(task.id)).counts?.bytesDone === 250_000 + configBytes(repository),
  );
  expect(sent).toBe(250_000);
  const before = await scene.harness.em().findOneOrFail(Task, { id: task.id });
  setTime(6);
  const paused = await untilWaiting(scene, task.id);
  expect(paused).toMatchObject({ state: 'WAITING', waitsFor: 'SYNC_WINDOW' });
  expect(paused.waitsUntil).toEqual(new Date(day + 22 * hour));
  expect(scene.upstream.requestsOf(route)).toHaveLength(1);

  setTime(23);
  const outcome = await scene.harness.finish(task);
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorCode: null });
  expect(outcome.task.startedAt).toEqual(before.startedAt);
  expect(scene.upstream.requestsOf(route).map(({ headers }) => headers.range)).toEqual([
    undefined,
    'bytes=250000-',
  ]);
  await verifyBlobs(scene.harness, await scene.harness.content(scene.ids.repositoryId, 1, 'blob'));
  expect(outcome.warnings).toEqual([]);
});

function configBytes({ blobs }: ReturnType<typeof createSampleRepository>): number {
  return [...blobs.values()].reduce((sum, { length }) => (length < 400_000 ? sum + length : sum), 0);
}

test('a sync that was stopped and has no turn waits in its activity; only one that has not begun is called to its turn', async () => {
  setTime(23);
  const scene = await stage.open();
  const { harness, ids, upstream } = scene;
  const em = () => harness.em();
  const wish = { mirror: false, confirmRemoval: false, dryRun: false };
  const others = [1, 2].map(() =>
    harness.createRepository({ url: upstream.url, upstreamName: 'library/app' }),
  );
  const [stopped, running, fresh] = await Promise.all(
    [ids, ...(await Promise.all(others))].map(async (one) => {
      const { task } = await createSyncTask(em(), { ...one, arguments: wish });
      return task;
    }),
  );
  if (stopped === undefined || running === undefined || fresh === undefined) throw new Error('no task');
  const deps = { syncsPerHost: 1, throttleClock: clock };
  expect(await startInWindow(deps, em(), stopped.id)).toMatchObject({ isNew: true });
  await pauseTask(em(), stopped.id, { waitsFor: 'QUOTA', untilMs: null });
  expect(await startInWindow(deps, em(), running.id)).toMatchObject({ isNew: true });
  // a new activity would number its lists from 1 again
  await expect(startInWindow(deps, em(), stopped.id)).rejects.toMatchObject({ code: 'SYNC_WAITS' });
  expect(await startInWindow(deps, em(), fresh.id)).toBe(undefined);
  await finishTask(em(), running.id, { state: 'CANCELED' });
  expect(await readNextInLine(em(), running.id, 2)).toEqual([fresh.workflowId]);
  expect(await startInWindow(deps, em(), stopped.id)).toMatchObject({ isNew: false });
  for (const { id } of [stopped, fresh]) await finishTask(em(), id, { state: 'CANCELED' });
});
