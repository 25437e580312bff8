/** Schedules over the API: what is taken and refused, what Temporal is told, and how it is told again. No worker takes the runs. */
import { ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../src/embedded/server-process.ts';
import { until } from '../../support/until.ts';
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
