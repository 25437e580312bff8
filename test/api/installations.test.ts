/** Two installations, each with a database of its own, in one namespace of Temporal: rows of both have the same ids. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTaskQueueClaim } from '../../src/api/own-task-queue.ts';
import { createWorkflowClient } from '../../src/api/temporal/workflow-client.ts';
import { readInstallation } from '../../src/db/tasks/installation.ts';
import { readScheduleStates } from '../../src/db/reads/read-schedules.ts';
import { keepGroup } from '../../src/db/schedules/schedule-groups.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let both: readonly [ApiUnderTest, ApiUnderTest];
let ids: { readonly repositoryId: string; readonly scheduleId: string };
beforeAll(async () => {
  both = [await startApi(), await startApi()];
  const made = [await createScheduled(both[0]), await createScheduled(both[1])] as const;
  expect(made[1]).toEqual(made[0]);
  [ids] = made;
});
afterAll(async () => {
  for (const api of both ?? []) {
    await mutate(api, 'scheduleDelete', { id: ids.scheduleId }, 'deletedId');
    await api.close();
  }
});

// the test knows what it asked for
// oxlint-disable-next-line typescript/no-explicit-any
async function mutate(api: ApiUnderTest, name: string, input: object, selection: string): Promise<any> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const { data, errors } = await api.graphql(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code } } }`,
    { input },
  );
  expect(errors).toBeUndefined();
  return data[name];
}

async function createScheduled(api: ApiUnderTest) {
  const remote = { name: 'twin', url: 'http://127.0.0.1:9', upstreamName: 'library/twin' };
  const remoteId = (await mutate(api, 'remoteCreate', remote, 'remote { id }')).remote.id as string;
  const twin = { name: 'twin', remoteId };
  const repositoryId = (await mutate(api, 'repositoryCreate', twin, 'repository { id }')).repository
    .id as string;
  const yearly = { repositoryId, intervalSeconds: 31_536_000 };
  const scheduleId = (await mutate(api, 'scheduleCreate', yearly, 'schedule { id }')).schedule.id as string;
  return { repositoryId, scheduleId };
}

async function scheduleOf(api: ApiUnderTest) {
  const [row] = await api.sql('select id from schedule');
  const [state] = await readScheduleStates(api.database.em.fork(), [Number(row?.['id'])]);
  return api.client.schedule.getHandle(state?.temporalId ?? '');
}

const sync = (api: ApiUnderTest) =>
  mutate(api, 'repositorySync', { repositoryId: ids.repositoryId }, 'task { id workflowId }');

const names = { repositoryName: 'twin', remoteHost: '127.0.0.1:9' };

test('syncs of repositories of one id run beside each other; each is refused and cancelled by its own installation', async () => {
  const [one, other] = both;
  const tasks = [await sync(one), await sync(other)];
  expect(tasks.map(({ userErrors }) => userErrors)).toEqual([[], []]);
  const [first, second] = tasks.map(({ task }) => task);
  expect(second.id).toBe(first.id);
  expect(second.workflowId).not.toBe(first.workflowId);
  for (const [api, task] of [
    [one, first],
    [other, second],
  ] as const) {
    expect(task.workflowId).toBe(`sync/${await readInstallation(api.database.em.fork())}/1`);
    expect(await sync(api)).toMatchObject({
      task: { id: task.id, workflowId: task.workflowId },
      userErrors: [{ code: 'SYNC_ALREADY_RUNNING' }],
    });
  }
  await mutate(one, 'taskCancel', { id: first.id }, 'task { state }');
  const isAskedToStop = async (id: string) =>
    (await one.client.workflow.getHandle(id).fetchHistory()).events?.some(
      (event) => event.workflowExecutionCancelRequestedEventAttributes,
    );
  expect(await isAskedToStop(first.workflowId)).toBe(true);
  expect(await isAskedToStop(second.workflowId)).toBe(false);

  const run = await one.client.workflow.getHandle(second.workflowId).describe();
  expect(run.memo).toEqual({ ...names, trigger: 'MANUAL', taskId: 1 });
  expect(await run.staticSummary()).toBe('sync of twin from 127.0.0.1:9');
  for (const { workflowId } of [first, second]) await one.client.workflow.getHandle(workflowId).terminate();
});

test('schedules of one id are two at Temporal; what one installation does to its own leaves the other', async () => {
  const [one, other] = both;
  const [own, others] = [await scheduleOf(one), await scheduleOf(other)];
  expect(own.scheduleId).not.toBe(others.scheduleId);
  await mutate(one, 'schedulePause', { id: ids.scheduleId }, 'schedule { paused }');
  expect((await own.describe()).state.paused).toBe(true);
  expect((await others.describe()).state.paused).toBe(false);
});

test('a schedule shows the repository, the upstream and what it starts; a rename is followed', async () => {
  const [, api] = both;
  const schedule = await scheduleOf(api);
  const specification = 'every 31536000 s, jitter 60 s, catch-up 3600 s';
  const memo = { ...names, specification, repositories: 1, trigger: 'SCHEDULE' };
  const staticSummary = 'scheduled sync of twin from 127.0.0.1:9';
  expect(await schedule.describe()).toMatchObject({
    memo: { specification, trigger: 'SCHEDULE' },
    action: { memo, staticSummary },
  });
  await mutate(api, 'repositoryUpdate', { id: ids.repositoryId, name: 'renamed' }, 'repository { id }');
  // as the periodic look does
  const comparison = { isComparison: true };
  await keepGroup(api.database.em.fork(), specification, api.workflows.schedules, comparison);
  expect((await schedule.describe()).action).toMatchObject({
    memo: { repositoryName: 'renamed' },
    staticSummary: staticSummary.replace('twin', 'renamed'),
  });
});

test('nothing is given to a task queue that another installation has taken', async () => {
  const [{ client, taskQueue }] = both;
  await createTaskQueueClaim({ client, taskQueue, installation: 'bbbbbbbbbbbb' })();
  const own = createTaskQueueClaim({ client, taskQueue, installation: 'cccccccccccc' });
  const workflows = createWorkflowClient({ client, taskQueue, own });
  const start = { taskId: 1, workflowId: `sync/cccccccccccc/${taskQueue}`, repositoryName: 'twin' };
  await expect(workflows.startSync(start)).rejects.toMatchObject({
    code: 'TASK_QUEUE_TAKEN',
    message: expect.stringMatching(/bbbbbbbbbbbb; .*cccccccccccc\. .*TIDEMARK_TASK_QUEUE/),
  });
  expect(await workflows.describeSync(start)).toMatchObject({ status: 'NOT_FOUND' });
});
