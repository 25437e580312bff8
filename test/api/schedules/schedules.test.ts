/** Schedules over the API: what is taken and refused, what Temporal is told, and how it is told again. No worker takes the runs. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { openApi, scheduleSteps } from '../../support/api/schedule-steps.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());
afterEach(async () => {
  for (const { id } of (await api.graphql('{ schedules(first: 100) { nodes { id } } }')).data.schedules.nodes)
    await mutate('Delete', { id });
});

const { mutate, createRepository, temporalSchedule } = scheduleSteps(() => ({ api }));

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
