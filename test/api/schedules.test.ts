/** Schedules over the API: what is taken and refused, what Temporal is told, and how it is told again. No worker takes the runs. */
import { randomInt } from 'node:crypto';
import { ScheduleNotFoundError } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startReconciler } from '../../src/api/temporal/reconcile-tasks.ts';
import { readScheduleStates } from '../../src/db/reads/read-schedules.ts';
import { freePort } from '../../src/embedded/server-process.ts';
import { until } from '../support/until.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());
afterEach(async () => {
  for (const { id } of (await api.graphql('{ schedules(first: 100) { nodes { id } } }')).data.schedules.nodes)
    await mutate('Delete', { id });
});

/** Temporal's ids of schedules hold the repository's, and all tests share one Temporal. */
async function openApi(options: Parameters<typeof startApi>[0] = {}): Promise<ApiUnderTest> {
  const opened = await startApi(options);
  await opened.sql(`alter table repository alter column id restart with ${randomInt(1, 2 ** 40)}`);
  return opened;
}

const fields = `id cron intervalSeconds timeZone jitterSeconds catchupWindowSeconds mirror paused note nextRunAts problem
  repository { name } remote { name }`;

function mutate(verb: string, input: object, on = api) {
  const selections: Record<string, string> = { Delete: 'deletedId', Trigger: 'task { id state mirror }' };
  return on.mutate(`schedule${verb}`, input, selections[verb] ?? `schedule { ${fields} }`);
}

let made = 0;

async function createRepository(on = api, folder = 'scheduled') {
  made += 1;
  const name = `${folder}/${made}`;
  const { data } = await on.graphql(
    `mutation ($name: String!) { remoteCreate(input: { name: $name, url: "http://127.0.0.1:9", upstreamName: "a/b" }) { remote { id } } }`,
    { name },
  );
  const remoteId = data.remoteCreate.remote.id as string;
  const answer = await on.graphql(
    'mutation ($name: String!, $remoteId: ID) { repositoryCreate(input: { name: $name, remoteId: $remoteId }) { repository { id } } }',
    { name, remoteId },
  );
  return { name, remoteId, repositoryId: answer.data.repositoryCreate.repository.id as string };
}

/** Temporal's schedule of the only row. */
async function temporalSchedule(on = api) {
  const [row] = await on.sql('select id from schedule');
  const [state] = await readScheduleStates(on.database.em.fork(), [Number(row?.['id'])]);
  return api.client.schedule.getHandle(state?.temporalId ?? '');
}

/** The reconciler, until a condition holds. */
async function reconcileUntil(condition: () => Promise<boolean>, on = api): Promise<void> {
  const logger = pino({ level: 'silent' });
  const stop = startReconciler({ database: on.database, workflows: api.workflows, logger, everyMs: 50 });
  await until(condition);
  await stop();
}

const seenLongAgo = `update schedule_group set temporal_seen_at = now() - interval '1 hour'`;

test('a schedule is made with its defaults, and Temporal has it', async () => {
  const { repositoryId, name } = await createRepository();
  const { schedule, userErrors } = await mutate('Create', { repositoryId, cron: '30 3 * * 1-5' });
  expect(userErrors).toEqual([]);
  expect(schedule).toMatchObject({
    cron: '30 3 * * 1-5',
    intervalSeconds: null,
    timeZone: 'UTC',
    jitterSeconds: 60,
    catchupWindowSeconds: 3600,
    mirror: false,
    paused: false,
    note: null,
    problem: null,
    repository: { name },
    remote: null,
  });
  expect(schedule.nextRunAts).toHaveLength(10);
  for (const time of schedule.nextRunAts) expect(time).toMatch(/T03:30:/);
  const { action, policies, state } = await (await temporalSchedule()).describe();
  expect(action).toMatchObject({ workflowType: 'scheduledSyncs', taskQueue: api.taskQueue });
  expect({ policies, paused: state.paused }).toMatchObject({
    policies: { overlap: 'BUFFER_ONE', catchupWindow: 3_600_000 },
    paused: false,
  });
});

test('a time zone is heeded, summer time too', async () => {
  const { repositoryId } = await createRepository();
  const input = { repositoryId, cron: '0 12 1 1,7 *', timeZone: 'Europe/Berlin', jitterSeconds: 0 };
  const { schedule } = await mutate('Create', input);
  const times = (schedule.nextRunAts as string[])
    .slice(0, 2)
    .map((time) => time.slice(5))
    .sort();
  expect(times).toEqual(['01-01T11:00:00.000Z', '07-01T10:00:00.000Z']);
});

test.each([
  ['neither cron nor interval', {}, ['cron']],
  ['both', { cron: '@daily', intervalSeconds: 60 }, ['cron']],
  ['four fields', { cron: '* * * *' }, ['cron']],
  ['six fields', { cron: '0 * * * * *' }, ['cron']],
  ['minute 60', { cron: '60 * * * *' }, ['cron']],
  ['a range backwards', { cron: '0 5-1 * * *' }, ['cron']],
  ['a step of 0', { cron: '*/0 * * * *' }, ['cron']],
  ['another program’s syntax', { cron: '0 0 ? * L' }, ['cron']],
  ['30 February', { cron: '0 3 30 2 *' }, ['cron']],
  ['the 31st of months that have 30 days', { cron: '0 3 31 apr-jun/2,9,11 1' }, ['cron']],
  ['a line break', { cron: '0 0 * *\n*' }, ['cron']],
  ['Temporal’s own additions', { cron: 'CRON_TZ=UTC 0 0 * * *' }, ['cron']],
  ['an interval of 0', { intervalSeconds: 0 }, ['intervalSeconds']],
  ['a time zone that is none', { cron: '@daily', timeZone: 'Mars/Olympus' }, ['timeZone']],
  ['a time zone in other letters', { cron: '@daily', timeZone: 'europe/berlin' }, ['timeZone']],
  ['the zone of the server', { cron: '@daily', timeZone: 'Local' }, ['timeZone']],
  ['an offset', { cron: '@daily', timeZone: '+01:00' }, ['timeZone']],
  ['a negative jitter', { cron: '@daily', jitterSeconds: -1 }, ['jitterSeconds']],
  [
    'a catch-up window that Temporal would widen',
    { cron: '@daily', catchupWindowSeconds: 9 },
    ['catchupWindowSeconds'],
  ],
  ['a note that is too long', { cron: '@daily', note: 'n'.repeat(1001) }, ['note']],
])('%s is refused, and nothing is made', async (_, wrong, field) => {
  const { repositoryId } = await createRepository();
  const { schedule, userErrors } = await mutate('Create', { repositoryId, ...wrong });
  expect(schedule).toBeNull();
  expect(userErrors).toEqual([
    { code: 'INVALID', field, message: expect.stringMatching(/expected|at most/) },
  ]);
  expect(await api.sql('select from schedule')).toEqual([]);
});

test.each([
  '*/15 0-23/2 1,15 JAN-mar,12 *',
  '0 3 * * 7',
  '0 3 * * sun',
  '@hourly',
  '5/10 * * * *',
  '0 0 29 2 *',
  '0 0 31 2,3 *',
])('what is taken, Temporal takes: %s', async (cron) => {
  const { repositoryId } = await createRepository();
  const { schedule } = await mutate('Create', { repositoryId, cron, timeZone: 'Asia/Calcutta' });
  expect(schedule.problem).toBeNull();
  expect(schedule.nextRunAts).toHaveLength(10);
});

test('all mistakes are told at once; an unknown repository and remote are among them', async () => {
  const { userErrors } = await mutate('Create', { repositoryId: 'x', remoteId: 'y', intervalSeconds: -1 });
  expect(userErrors.map(({ code, field }: { code: string; field: string[] }) => [code, ...field])).toEqual([
    ['NOT_FOUND', 'repositoryId'],
    ['INVALID', 'intervalSeconds'],
    ['NOT_FOUND', 'remoteId'],
  ]);
});

test('update, pause and resume reach Temporal; what is omitted stays', async () => {
  const { repositoryId, remoteId, name } = await createRepository();
  const { schedule } = await mutate('Create', { repositoryId, cron: '@daily', note: 'first' });
  const { id } = schedule;
  const updated = await mutate('Update', {
    id,
    intervalSeconds: 600,
    remoteId,
    mirror: true,
    jitterSeconds: 0,
  });
  expect(updated.schedule).toMatchObject({
    cron: null,
    intervalSeconds: 600,
    mirror: true,
    note: 'first',
    remote: { name },
    problem: null,
  });
  const [one = '', two = ''] = updated.schedule.nextRunAts as string[];
  expect(Date.parse(two) - Date.parse(one)).toBe(600_000);

  const paused = await mutate('Pause', { id, note: 'upstream moves' });
  expect(paused.schedule).toMatchObject({ paused: true, note: 'upstream moves', nextRunAts: [] });
  expect((await (await temporalSchedule()).describe()).state).toMatchObject({
    paused: true,
    note: 'upstream moves',
  });
  const resumed = await mutate('Resume', { id });
  expect(resumed.schedule).toMatchObject({ paused: false, note: 'upstream moves' });
  expect((await (await temporalSchedule()).describe()).state.paused).toBe(false);

  const nothing = await mutate('Update', { id, cron: null, timeZone: null });
  expect(nothing.userErrors.map(({ field }: { field: string[] }) => field[0])).toEqual(['cron', 'timeZone']);
});

test('each mutation says NOT_FOUND for what is no schedule', async () => {
  for (const verb of ['Update', 'Pause', 'Resume', 'Trigger', 'Delete'])
    expect((await mutate(verb, { id: 'bm90aGluZw' })).userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['id'] },
    ]);
});

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

describe('Temporal is made to agree with the database', () => {
  test('fault 102: with Temporal down each mutation is taken and says so; the periodic look tells Temporal later', async () => {
    const down = await openApi({ temporalAddress: `127.0.0.1:${await freePort()}` });
    try {
      const { repositoryId } = await createRepository(down);
      const { schedule, userErrors } = await mutate('Create', { repositoryId, intervalSeconds: 7200 }, down);
      expect(userErrors).toEqual([]);
      expect(schedule).toMatchObject({
        nextRunAts: [],
        problem: expect.stringContaining('as soon as it can be'),
      });
      const { data } = await down.graphql(
        'query ($id: ID!) { schedule(id: $id) { intervalSeconds } }',
        schedule,
      );
      expect(data).toEqual({ schedule: { intervalSeconds: 7200 } });
      const handle = await temporalSchedule(down);
      await reconcileUntil(
        async () => (await down.sql('select from schedule_group where not temporal_paused')).length === 1,
        down,
      );
      expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 7_200_000 }]);

      const deleted = await mutate('Delete', { id: schedule.id }, down);
      expect(deleted).toEqual({ deletedId: schedule.id, userErrors: [] });
      expect((await handle.describe()).state.paused).toBe(false);
      await reconcileUntil(async () => (await down.sql('select from schedule_group')).length === 0, down);
      await expect(handle.describe()).rejects.toThrow(ScheduleNotFoundError);
    } finally {
      await down.close();
    }
  });

  test('a schedule that Temporal has lost is made again', async () => {
    const { repositoryId } = await createRepository();
    await mutate('Create', { repositoryId, intervalSeconds: 3600 });
    const handle = await temporalSchedule();
    await handle.delete();
    await api.sql(seenLongAgo);
    await reconcileUntil(async () => (await handle.describe().catch(() => undefined)) !== undefined);
    expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  });

  test('a schedule that was changed in Temporal is restored; others are left alone', async () => {
    const { repositoryId } = await createRepository();
    await mutate('Create', { repositoryId, cron: '0 4 * * *', timeZone: 'Europe/Berlin' });
    const handle = await temporalSchedule();
    const before = await handle.describe();
    await handle.update((schedule) => ({ ...schedule, spec: { intervals: [{ every: '1 day' }] } }));
    await handle.pause('by an operator');
    await api.sql(seenLongAgo);
    await reconcileUntil(async () => !(await handle.describe()).state.paused);
    const { spec, state } = await handle.describe();
    expect({ spec, state }).toEqual({ spec: before.spec, state: before.state });

    // Temporal may show a schedule for a moment as it was before an update, which the next look repairs
    let lastUpdatedAt: Date | undefined;
    await until(async () => {
      await api.sql(seenLongAgo);
      await reconcileUntil(
        async () =>
          (await api.sql(`select from schedule_group where temporal_seen_at > now() - interval '1 minute'`))
            .length === 1,
      );
      const { info } = await handle.describe();
      const isLeftAlone = info.lastUpdatedAt?.getTime() === lastUpdatedAt?.getTime();
      lastUpdatedAt = info.lastUpdatedAt;
      return isLeftAlone;
    });
  });

  test('a schedule that Temporal refuses says why', async () => {
    const { repositoryId } = await createRepository();
    const { schedule } = await mutate('Create', { repositoryId, cron: '@daily' });
    await api.sql(`update schedule set cron = '99 * * * *'`);
    await api.sql(seenLongAgo);
    await reconcileUntil(
      async () =>
        (await api.sql('select from schedule_group where temporal_problem is not null')).length === 1,
    );
    const { data } = await api.graphql(
      'query ($id: ID!) { schedule(id: $id) { problem nextRunAts } }',
      schedule,
    );
    expect(data.schedule).toEqual({
      problem: expect.stringContaining('Minute is not in range'),
      nextRunAts: [],
    });
  });
});
