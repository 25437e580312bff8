import { Client, ScheduleNotFoundError } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepCollectionSchedule } from '../../src/api/temporal/collection-schedule.ts';
import { readInstallation } from '../../src/db/tasks/installation.ts';
import { until } from '../support/until.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

test.each(['contentCollect(input: { dryRun: true })', 'contentVerify'])(
  '%s starts a task; while it is not done, a second one is answered with it',
  async (field) => {
    const ask = async () =>
      (
        await api.graphql(`mutation { started: ${field} { task { id name state dryRun report { blobs } }
        userErrors { code field message } } }`)
      ).data.started;
    const first = await ask();
    expect(first).toEqual({
      task: {
        id: expect.any(String),
        name: field.startsWith('contentCollect') ? 'content.collect' : 'content.verify',
        state: 'WAITING',
        dryRun: field.startsWith('contentCollect'),
        report: { blobs: 0 },
      },
      userErrors: [],
    });
    const second = await ask();
    expect(second.task.id).toBe(first.task.id);
    expect(second.userErrors).toEqual([
      { code: 'IN_USE', field: [], message: expect.stringContaining(first.task.id) },
    ]);
    const { data } = await api.graphql(
      `mutation ($id: ID!) { taskCancel(input: { id: $id }) { task { state } userErrors { code } } }`,
      { id: first.task.id },
    );
    expect(data.taskCancel.userErrors).toEqual([]);
    const [kind] = first.task.name.split('.').slice(1);
    const workflowId = `${kind}/${await readInstallation(api.database.em.fork())}`;
    await api.client.workflow
      .getHandle(workflowId)
      .terminate()
      .catch(() => undefined);
  },
);

test('secretsRotate tells how many secrets it has encrypted anew', async () => {
  const { data } = await api.graphql('mutation { secretsRotate { resealed unreadable } }');
  expect(data.secretsRotate).toEqual({ resealed: 0, unreadable: [] });
});

test('the schedule of clean-ups follows the setting', async () => {
  const { client } = api;
  const installation = randomBytes(6).toString('hex');
  const logger = pino({ level: 'silent' });
  const handle = client.schedule.getHandle(`collect/${installation}`);
  const set = async (everySeconds: number | undefined, taskQueue = 'first') => {
    await keepCollectionSchedule({ client, taskQueue, installation, everySeconds, logger })();
  };
  const every = async () => (await handle.describe()).spec.intervals?.[0]?.every;
  await set(3_600);
  expect(await every()).toBe(3_600_000);
  await set(60, 'second');
  expect(await every()).toBe(60_000);
  expect((await handle.describe()).action).toMatchObject({
    taskQueue: 'second',
    workflowId: handle.scheduleId,
  });
  await set(undefined);
  await set(undefined);
  await expect(handle.describe()).rejects.toThrow(ScheduleNotFoundError);
});

test('while Temporal is away, setting the schedule is tried again', async () => {
  let tries = 0;
  const client = new Client({
    connection: Object.assign(Object.create(api.client.connection), {
      withDeadline: () => {
        tries += 1;
        throw new Error('away');
      },
    }),
  });
  const stop = keepCollectionSchedule({
    client,
    taskQueue: 'away',
    installation: 'away',
    everySeconds: 60,
    logger: pino({ level: 'silent' }),
    retryMs: 5,
  });
  await until(() => tries >= 3);
  await stop();
});
