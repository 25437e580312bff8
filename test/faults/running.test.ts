import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReconciler } from '../../src/api/temporal/reconcile-tasks.ts';
import { createWorkflowClient } from '../../src/api/temporal/workflow-client.ts';
import { addImage, addLayer } from '../../src/demo/sample-image.ts';
import { createSyncTask } from '../../src/db/tasks/tasks.ts';
import { blob, hang } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { until } from '../support/until.ts';
import { openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const syncArguments = { mirror: false, confirmRemoval: false, dryRun: false };

/** Half of the body, and then nothing more. */
function halfOf(bytes: Buffer): Answer {
  return (_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
    });
    response.write(bytes.subarray(0, bytes.length / 2));
  };
}

interface Hanging {
  readonly name: string;
  readonly stage: string;
  /** Makes a sync of the scene hang, and answers the route that it hangs at. */
  readonly hangAt: (scene: Scene) => string;
}

const layerOf = (scene: Scene) => addLayer(scene.repository, `${scene.seed}-new`, 600_000);

const hangings: readonly Hanging[] = [
  {
    name: 'listing',
    stage: 'LISTING_TAGS',
    hangAt: (scene) => {
      const route = `GET /v2/${upstreamName}/tags/list`;
      scene.upstream.on(route, hang);
      return route;
    },
  },
  {
    name: 'manifests',
    stage: 'FETCHING_MANIFESTS',
    hangAt: (scene) => {
      addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [500], tag: 'new' });
      const route = `GET /v2/${upstreamName}/manifests/new`;
      scene.upstream.on(route, hang);
      return route;
    },
  },
  {
    name: 'blobs',
    stage: 'FETCHING_BLOBS',
    hangAt: (scene) => {
      const layer = layerOf(scene);
      addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [layer], tag: 'new' });
      const route = `GET /v2/${upstreamName}/blobs/${layer.digest}`;
      scene.upstream.on(route, halfOf(scene.repository.blobs.get(layer.digest) ?? Buffer.alloc(0)));
      return route;
    },
  },
];

test.concurrent.for(hangings)(
  'fault 103: a cancel while $name hangs ends the task as CANCELED',
  async (hanging) => {
    const scene = await stage.openSynced();
    const { harness } = stage;
    const route = hanging.hangAt(scene);
    const task = await harness.start(scene.ids);
    await until(() => scene.upstream.requestsOf(route).length > 0);
    await until(async () => (await harness.read(task.id)).task.stage === hanging.stage);
    await harness.client.workflow.getHandle(task.workflowId).cancel();
    const outcome = await harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'CANCELED', createdVersion: null, errorCode: null });
    expect(await readVersions(harness, scene.ids.repositoryId)).toEqual(scene.before);
    scene.upstream.on(route);
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED' });
    await readVersions(harness, scene.ids.repositoryId);
  },
);

test.concurrent('fault 103: after a cancel in the middle of a blob only what can be resumed stays, and is', async () => {
  const scene = await stage.openSynced();
  const { harness } = stage;
  const layer = layerOf(scene);
  const bytes = scene.repository.blobs.get(layer.digest) ?? Buffer.alloc(0);
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [layer], tag: 'new' });
  const route = `GET /v2/${upstreamName}/blobs/${layer.digest}`;
  const partials = async () => {
    const files = await harness.partialFiles();
    return files.filter((file) => file.includes(layer.digest.slice('sha256:'.length)));
  };
  scene.upstream.on(route, halfOf(bytes));
  const task = await harness.start(scene.ids);
  await until(async () => ((await harness.read(task.id)).counts?.bytesDone ?? 0) >= bytes.length / 2);
  await harness.client.workflow.getHandle(task.workflowId).cancel();
  expect((await harness.finish(task)).task.state).toBe('CANCELED');
  expect(await partials()).toHaveLength(1);
  scene.upstream.on(route, blob(bytes));
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(scene.upstream.requestsOf(route).at(-1)?.headers.range).toBe(`bytes=${bytes.length / 2}-`);
  expect(await partials()).toEqual([]);
  await readVersions(harness, scene.ids.repositoryId);
});

test.concurrent('fault 103: the task of a workflow that an operator terminates becomes FAILED, and the next sync goes on', async () => {
  const scene = await stage.openSynced();
  const { harness } = stage;
  const workflows = createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue });
  const route = hangings[1]?.hangAt(scene) ?? '';
  const { task } = await createSyncTask(harness.em(), { ...scene.ids, arguments: syncArguments });
  await workflows.startSync({ taskId: task.id, workflowId: task.workflowId, repositoryName: 'terminated' });
  await until(() => scene.upstream.requestsOf(route).length > 0);
  await harness.client.workflow.getHandle(task.workflowId).terminate('by an operator');
  // the reconciler leaves young tasks alone
  await harness
    .em()
    .execute(`update task set created_at = now() - interval '1 minute' where id = ?`, [task.id]);
  const stop = startReconciler({
    database: harness.database,
    workflows,
    logger: pino({ level: 'silent' }),
    everyMs: 50,
  });
  await until(async () => (await harness.read(task.id)).task.state !== 'RUNNING');
  await stop();
  const outcome = await harness.read(task.id);
  expect(outcome.task).toMatchObject({
    state: 'FAILED',
    errorCode: 'WORKFLOW_TERMINATED',
    createdVersion: null,
  });
  expect(await readVersions(harness, scene.ids.repositoryId)).toEqual(scene.before);
  scene.upstream.on(route);
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
});

test.concurrent('fault 97: of many syncs of a repository at once one runs, and the others are told which', async () => {
  const scene = await stage.openSynced();
  const { harness } = stage;
  const route = hangings[1]?.hangAt(scene) ?? '';
  const wish = { ...scene.ids, arguments: syncArguments };
  const made = await Promise.all(Array.from({ length: 10 }, () => createSyncTask(harness.em(), wish)));
  expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(new Set(made.map(({ task }) => task.id)).size).toBe(1);
  const task = made[0]?.task;
  if (task === undefined) throw new Error('no task was made');
  const workflows = createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue });
  const start = { taskId: task.id, workflowId: task.workflowId, repositoryName: 'twice' };
  const runs = await Promise.all([workflows.startSync(start), workflows.startSync(start)]);
  expect(runs[0]).toEqual(runs[1]);
  await until(() => scene.upstream.requestsOf(route).length > 0);
  expect(await createSyncTask(harness.em(), wish)).toMatchObject({ isNew: false, task: { id: task.id } });
  scene.upstream.on(route);
  await harness.client.workflow.getHandle(task.workflowId).cancel();
  await harness.finish(task);
  const next = await createSyncTask(harness.em(), wish);
  expect(next).toMatchObject({ isNew: true });
  await workflows.startSync({ ...start, taskId: next.task.id });
  expect((await harness.finish(next.task)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
});

const rounds = 10;
test.concurrent('fault 98: two repositories that share all content, synced at once, fetch it once and both succeed', async () => {
  const first = await stage.open();
  const { harness } = stage;
  const second = await harness.createRepository({ url: first.upstream.url, upstreamName });
  for (let round = 1; round <= rounds; round += 1) {
    const name = `round-${round}`;
    addImage(first.repository, { seed: `${first.seed}-${name}`, layers: [2_000, 3_000, 4_000], tag: name });
    const outcomes = await Promise.all([first.sync(), harness.sync(second)]);
    for (const { task } of outcomes)
      expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: round, errorMessage: null });
  }
  const blobs = first.upstream.requests.filter(({ path }) => path.includes('/blobs/'));
  expect(new Set(blobs.map(({ path }) => path)).size).toBe(blobs.length);
  const contents = await Promise.all(
    [first.ids, second].map(({ repositoryId }) => readVersions(harness, repositoryId)),
  );
  expect(contents[0]).toEqual(contents[1]);
});
