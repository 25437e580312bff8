/** Schedules over the API: what is taken and refused, what Temporal is told, and how it is told again. No worker takes the runs. */
import { ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readScheduleStates } from '../../../src/db/reads/read-schedules.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { openApi, seenLongAgo, scheduleSteps } from '../../support/api/schedule-steps.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());
afterEach(async () => {
  for (const { id } of (await api.graphql('{ schedules(first: 100) { nodes { id } } }')).data.schedules.nodes)
    await mutate('Delete', { id });
});

const { mutate, createRepository, temporalSchedule, reconcileUntil } = scheduleSteps(() => ({ api }));

test('delete removes it from Temporal, too', async () => {
  const { repositoryId } = await createRepository();
  const { schedule } = await mutate('Create', { repositoryId, intervalSeconds: 3600 });
  const handle = await temporalSchedule();
  expect(await mutate('Delete', { id: schedule.id })).toEqual({ deletedId: schedule.id, userErrors: [] });
  await expect(handle.describe()).rejects.toThrow(ScheduleNotFoundError);
  expect(await api.sql('select from schedule_group')).toEqual([]);
  const { data } = await api.graphql(
    'query ($id: ID!) { schedule(id: $id) { id } node(id: $id) { id } }',
    schedule,
  );
  expect(data).toEqual({ schedule: null, node: null });
});

test('schedules with the same times share a schedule of Temporal; a change of its times or a pause concerns one of them', async () => {
  const times = { cron: '15 2 * * *', timeZone: 'Europe/Berlin' };
  const ids: string[] = [];
  for (const paused of [false, false, true]) {
    const { repositoryId } = await createRepository();
    const { schedule } = await mutate('Create', { repositoryId, ...times, paused });
    expect(schedule.problem).toBeNull();
    expect(schedule.nextRunAts).toHaveLength(paused ? 0 : 10);
    ids.push(schedule.id);
  }
  const rows = (await api.sql('select id from schedule order by id')).map((row) => Number(row['id']));
  const handles = async () =>
    (await readScheduleStates(api.database.em.fork(), rows)).map(({ temporalId }) =>
      api.client.schedule.getHandle(temporalId),
    );
  const [first] = await handles();
  expect(new Set((await handles()).map(({ scheduleId }) => scheduleId)).size).toBe(1);
  // the second and third were no business of Temporal's
  expect((await first?.describe())?.info.lastUpdatedAt).toBeUndefined();
  await api.sql(seenLongAgo);
  await reconcileUntil(async () => (await first?.describe())?.action.memo?.['repositories'] === 3);
  expect((await first?.describe())?.action).toMatchObject({
    staticSummary:
      'scheduled syncs of 3 repositories: 15 2 * * * Europe/Berlin, jitter 60 s, catch-up 3600 s',
  });

  await mutate('Pause', { id: ids[0], note: 'one of them' });
  expect((await first?.describe())?.state).toMatchObject({ paused: false });
  const moved = await mutate('Update', { id: ids[1], cron: '15 3 * * *' });
  expect(moved.schedule.problem).toBeNull();
  expect(moved.schedule.nextRunAts).toHaveLength(10);
  const dueFrom = async () =>
    (await api.sql('select due_from from schedule order by id')).map((row) => Number(row['due_from']));
  const [since = 0, movedAt = 0] = await dueFrom();
  expect(movedAt).toBeGreaterThan(since);
  await mutate('Update', { id: ids[1], cron: '15 3 * * *', note: 'the same times' });
  expect((await dueFrom()).slice(0, 2)).toEqual([since, movedAt]);
  const [same, other] = await handles();
  expect(same?.scheduleId).toBe(first?.scheduleId);
  expect((await other?.describe())?.state.paused).toBe(false);
  // no schedule is left in the first group that takes part
  expect((await first?.describe())?.state.paused).toBe(true);

  await mutate('Delete', { id: ids[1] });
  await expect(other?.describe()).rejects.toThrow(ScheduleNotFoundError);
  await mutate('Resume', { id: ids[2] });
  expect((await first?.describe())?.state.paused).toBe(false);
});

test('trigger starts the sync at once, though paused; while one is under way it answers that one', async () => {
  const { repositoryId } = await createRepository();
  const { schedule } = await mutate('Create', { repositoryId, cron: '@yearly', mirror: true, paused: true });
  const { task, userErrors } = await mutate('Trigger', { id: schedule.id });
  expect({ task, userErrors }).toMatchObject({ task: { state: 'WAITING', mirror: true }, userErrors: [] });
  const again = await mutate('Trigger', { id: schedule.id });
  expect(again).toMatchObject({
    task: { id: task.id },
    userErrors: [{ code: 'SYNC_ALREADY_RUNNING', field: ['id'] }],
  });
  const { data } = await api.graphql(
    'query ($id: ID!) { schedule(id: $id) { runs(first: 5) { totalCount nodes { outcome triggered message task { id } } } } }',
    schedule,
  );
  expect(data.schedule.runs).toEqual({
    totalCount: 1,
    nodes: [{ outcome: 'STARTED', triggered: true, message: null, task: { id: task.id } }],
  });
  await api.graphql('mutation ($id: ID!) { taskCancel(input: { id: $id }) { userErrors { code } } }', task);
  const [row] = await api.sql(`select workflow_id from task where state = 'WAITING'`);
  await api.client.workflow.getHandle(String(row?.['workflow_id'])).terminate();
  await api.sql(`update task set state = 'CANCELED' where state = 'WAITING'`);
});

test('a remote of a schedule is IN_USE; a schedule stays with a repository that is renamed, and goes with one that is deleted', async () => {
  const { repositoryId } = await createRepository();
  const other = await createRepository();
  const { schedule } = await mutate('Create', {
    repositoryId,
    remoteId: other.remoteId,
    intervalSeconds: 3600,
  });
  const handle = await temporalSchedule();
  await api.graphql(
    'mutation ($id: ID!) { repositoryUpdate(input: { id: $id, remoteId: null }) { userErrors { code } } }',
    { id: other.repositoryId },
  );
  const refused = await api.graphql(
    'mutation ($id: ID!) { remoteDelete(input: { id: $id }) { deletedId userErrors { code message } } }',
    { id: other.remoteId },
  );
  expect(refused.data.remoteDelete).toEqual({
    deletedId: null,
    userErrors: [{ code: 'IN_USE', message: expect.stringContaining(schedule.id) }],
  });
  await api.graphql(
    'mutation ($id: ID!) { repositoryUpdate(input: { id: $id, name: "renamed" }) { userErrors { code } } }',
    {
      id: repositoryId,
    },
  );
  const renamed = await api.graphql(
    '{ repository(name: "renamed") { schedules(first: 5) { totalCount nodes { id repository { name } } } } }',
  );
  expect(renamed.data.repository.schedules).toEqual({
    totalCount: 1,
    nodes: [{ id: schedule.id, repository: { name: 'renamed' } }],
  });
  expect((await handle.describe()).state.paused).toBe(false);

  const deleted = await api.graphql(
    'mutation ($id: ID!) { repositoryDelete(input: { id: $id }) { deletedId userErrors { code } } }',
    { id: repositoryId },
  );
  expect(deleted.data.repositoryDelete).toEqual({ deletedId: repositoryId, userErrors: [] });
  await reconcileUntil(async () => (await api.sql('select from schedule_group')).length === 0);
  await expect(handle.describe()).rejects.toThrow(ScheduleNotFoundError);
});

test('a page of repositories with schedules, runs and freshness costs the same for one as for five', async () => {
  const query = `query ($name: String) { repositories(first: 100, name: $name) { nodes { lastSyncedAt lastSyncError { code }
    schedules(first: 3) { totalCount nodes { id remote { name } runs(first: 3) { totalCount nodes { outcome task { id } } } } } } } }`;
  const names: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const { repositoryId, name } = await createRepository(api, 'many');
    names.push(name);
    await mutate('Create', { repositoryId, cron: '@yearly', paused: true });
  }
  await api.sql(
    `insert into schedule_run (schedule_id, due_at, outcome) select id, now(), 'SKIPPED' from schedule`,
  );
  const one = await api.countStatements(() => api.graphql(query, { name: names[0] }));
  const all = await api.countStatements(() => api.graphql(query, { name: 'many/*' }));
  expect(all).toBe(one);
});

test('lastSyncedAt is of the last sync that completed, lastSyncError of the last one, dry runs aside', async () => {
  const { repositoryId } = await createRepository();
  const read = async () =>
    (
      await api.graphql(
        'query ($id: ID!) { repository(id: $id) { lastSyncedAt lastSyncError { code message } } }',
        { id: repositoryId },
      )
    ).data.repository;
  const id = Number(Buffer.from(repositoryId, 'base64url').toString().split(':')[1]);
  const ended = (state: string, at: string, more: { dryRun?: boolean; code?: string } = {}) =>
    api.sql(
      `insert into task (name, state, repository_id, workflow_id, arguments, finished_at, error_code, error_message)
       values ('repository.sync', $1, $2, 'sync/1', $3, $4, $5, $5)`,
      [state, id, JSON.stringify({ dryRun: more.dryRun ?? false }), at, more.code ?? null],
    );
  expect(await read()).toEqual({ lastSyncedAt: null, lastSyncError: null });
  await ended('COMPLETED', '2026-01-01T00:00:00Z', { dryRun: true });
  await ended('FAILED', '2026-01-02T00:00:00Z', { code: 'FIRST' });
  expect(await read()).toEqual({ lastSyncedAt: null, lastSyncError: { code: 'FIRST', message: 'FIRST' } });
  await ended('COMPLETED', '2026-01-03T00:00:00Z');
  expect(await read()).toEqual({ lastSyncedAt: '2026-01-03T00:00:00.000Z', lastSyncError: null });
  await ended('FAILED', '2026-01-04T00:00:00Z', { code: 'DOWN' });
  await ended('FAILED', '2026-01-05T00:00:00Z', { code: 'DRY', dryRun: true });
  await ended('CANCELED', '2026-01-06T00:00:00Z');
  expect(await read()).toEqual({
    lastSyncedAt: '2026-01-03T00:00:00.000Z',
    lastSyncError: { code: 'DOWN', message: 'DOWN' },
  });
});
