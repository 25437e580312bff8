/** Runs of schedules on a real Temporal, and the turns that syncs take at one host. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Schedule } from '../../../src/db/schema/schedules.ts';
import { Task } from '../../../src/db/schema/tasks.ts';
import { readInstallation } from '../../../src/db/tasks/installation.ts';
import { readFreshness } from '../../../src/db/reads/figures/read-freshness.ts';
import { beginRuns } from '../../../src/db/schedules/begin-runs.ts';
import { addScheduleRun } from '../../../src/db/schedules/schedule-runs.ts';
import { hang, json } from '../../support/upstream/fake-upstream.ts';
import { readGroupsToKeep } from '../../../src/db/schedules/schedule-groups.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';
import { until } from '../../support/until.ts';
import { upstreamName, listRoute, openUpstream, readTask } from '../../support/sync/scheduled.ts';

/** The result of a run without schedules. */
const none = { unchanged: 0, started: 0, skipped: 0, failedPages: 0 };

describe('scheduledSyncs', () => {
  let harness: SyncHarness;
  beforeAll(async () => {
    harness = await startSyncHarness();
  });
  afterAll(() => harness?.close());

  async function open(wish: Partial<Schedule> = {}) {
    const upstream = await openUpstream();
    const ids = await harness.createRepository({ url: upstream.url, upstreamName });
    const schedule = await createSchedule(harness, ids, wish);
    const close = async () => {
      await schedule.delete();
      await upstream.close();
    };
    return { upstream, ids, schedule, close };
  }

  test('a run makes one task, whose sync has the id of every sync of the repository, and tells of it', async () => {
    const { ids, schedule, close } = await open({ mirror: true });
    const { result } = await schedule.run();
    const [run, ...others] = await schedule.runs();
    expect(others).toEqual([]);
    expect(result).toEqual({ ...none, started: 1 });
    expect(run).toMatchObject({ outcome: 'STARTED', message: null, isTriggered: false });
    const task = await readTask(harness, run?.taskId);
    expect(task).toMatchObject({
      workflowId: `sync/${await readInstallation(harness.em())}/${ids.repositoryId}`,
      arguments: { mirror: true, dryRun: false },
    });
    const outcome = await harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(outcome.task.runId).toBe(
      (await harness.client.workflow.getHandle(task.workflowId).describe()).runId,
    );
    await close();
  });

  test('a run takes a tag that has become old enough, without a change upstream and by another worker', async () => {
    const { ids, schedule, close } = await open();
    await harness.updateRemote(ids.remoteId, { tagRules: { minimumAgeSeconds: 3_600 } });
    const run = async () => {
      await schedule.run();
      return harness.finish(await readTask(harness, (await schedule.runs())[0]?.taskId));
    };
    expect((await run()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    await harness.stopWorker();
    await harness.restartWorker();
    expect((await run()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    await harness
      .em()
      .execute(
        `update tag_seen set first_seen_at = first_seen_at - interval '2 hours' where repository_id = ?`,
        [ids.repositoryId],
      );
    expect((await run()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await close();
  });

  test('while a sync runs, a run is skipped and says for which task; the next one syncs again', async () => {
    const { upstream, ids, schedule, close } = await open();
    upstream.on(listRoute, hang);
    const task = await harness.start(ids);
    await until(() => upstream.requestsOf(listRoute).length > 0);
    const skipped = await schedule.run();
    expect(skipped.result).toEqual({ ...none, skipped: 1 });
    expect(await schedule.runs()).toMatchObject([
      { outcome: 'SKIPPED', taskId: task.id, message: expect.stringContaining('running') },
    ]);
    upstream.on(listRoute);
    await harness.client.workflow.getHandle(task.workflowId).cancel();
    await harness.finish(task);
    const { result } = await schedule.run();
    const [run] = await schedule.runs();
    expect(result).toEqual({ ...none, started: 1 });
    expect((await harness.finish(await readTask(harness, run?.taskId))).task.state).toBe('COMPLETED');
    await close();
  });

  test('an upstream that is down makes one failed task a run, and the repository says since when it is stale', async () => {
    const { upstream, ids, schedule, close } = await open();
    const first = await harness.sync(ids);
    upstream.on(listRoute, json({ errors: [{ code: 'DENIED', message: 'no' }] }, {}, 403));
    const asked = upstream.requestsOf(listRoute).length;
    for (const runs of [1, 2]) {
      await schedule.run();
      const [run] = await schedule.runs();
      const { task } = await harness.finish(await readTask(harness, run?.taskId));
      expect(task.state).toBe('FAILED');
      const failed = await harness.em().count(Task, { repositoryId: ids.repositoryId, state: 'FAILED' });
      expect({ failed, asked: upstream.requestsOf(listRoute).length - asked }).toEqual({
        failed: runs,
        // the first run has looked before its sync
        asked: runs + 1,
      });
    }
    expect(await readFreshness(harness.em(), [ids.repositoryId])).toMatchObject([
      { syncedAt: first.task.finishedAt, errorCode: 'UPSTREAM_FORBIDDEN', errorMessage: expect.any(String) },
    ]);
    await close();
  });

  test('a run of a schedule without any remote is skipped and says so', async () => {
    const { ids, schedule, close } = await open();
    const em = harness.em();
    await em.execute('update repository set remote_id = null where id = ?', [ids.repositoryId]);
    expect((await schedule.run()).result).toEqual({ ...none, skipped: 1 });
    expect(await schedule.runs()).toMatchObject([
      { outcome: 'SKIPPED', taskId: null, message: expect.stringContaining('remote') },
    ]);
    expect(await em.count(Task, { repositoryId: ids.repositoryId })).toBe(0);
    await close();
  });

  test('a schedule that was paused while Temporal was not told takes no part in a run', async () => {
    const { ids, schedule, close } = await open();
    await harness.em().nativeUpdate(Schedule, { id: schedule.id }, { paused: true });
    expect((await schedule.run()).result).toEqual(none);
    expect(await schedule.runs()).toEqual([]);
    expect(await harness.em().count(Task, { repositoryId: ids.repositoryId })).toBe(0);
    await close();
  });

  test('a run without any schedule syncs nothing, and leaves Temporal’s schedule to reconciliation', async () => {
    const { schedule, close } = await open();
    const em = harness.em();
    const { specification } = await em.findOneOrFail(Schedule, { id: schedule.id });
    await em.execute('delete from schedule_group');
    await em.nativeDelete(Schedule, { id: schedule.id });
    expect((await schedule.run()).result).toEqual(none);
    expect(await readGroupsToKeep(em, 10)).toEqual([specification]);
    await close();
    await expect(schedule.handle.describe()).rejects.toThrow(/not found/i);
  });

  test('the same run, begun twice, has one task; of many runs the last hundred are kept', async () => {
    const { ids, schedule, close } = await open();
    const due = { specification: '', workflowRunId: `run-${schedule.id}`, dueAt: new Date().toISOString() };
    // the second attempt of the same may overlap the first: then the database refuses it, and the next finds what was done
    const begin = () => beginRuns(harness.em(), due, [schedule.id]);
    await Promise.all([begin().catch(begin), begin().catch(begin)]);
    expect(await schedule.runs()).toMatchObject([{ outcome: 'STARTED' }]);
    expect(await harness.em().count(Task, { repositoryId: ids.repositoryId })).toBe(1);
    for (let count = 0; count < 105; count += 1)
      await addScheduleRun(harness.em(), {
        scheduleId: schedule.id,
        outcome: 'SKIPPED',
        message: null,
        taskId: null,
      });
    expect(
      await harness
        .em()
        .execute('select count(*) as count from schedule_run where schedule_id = ?', [schedule.id]),
    ).toEqual([{ count: 100 }]);
    await close();
  });
});
