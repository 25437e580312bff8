import { createHash } from 'node:crypto';
import { ScheduleNotFoundError } from '@temporalio/client';
import type { ScheduleDescription, ScheduleUpdateOptions } from '@temporalio/client';
import type { KeptSchedule, SeenSchedule } from '../../db/tasks/temporal-schedules.ts';
import { scheduledSyncType } from '../../workflows/scheduled-sync-input.ts';
import type { ScheduledSyncInput } from '../../workflows/scheduled-sync-input.ts';
import { summarizeSync } from '../../workflows/sync-input.ts';
import type { SyncNames } from '../../workflows/sync-input.ts';
import type { ScheduleKeeper } from '../../operations/workflows.ts';
import { callTemporal, unavailable } from './temporal-call.ts';
import type { WorkflowClientOptions } from './temporal-call.ts';

export function createScheduleClient({ client, taskQueue, own }: WorkflowClientOptions): ScheduleKeeper {
  const call = <T>(work: () => Promise<T>): Promise<T> => callTemporal(client, work);

  async function put(temporalId: string, wanted: Wanted): Promise<void> {
    try {
      await call(() => client.schedule.getHandle(temporalId).update(() => wanted));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      const { memo } = wanted.action;
      await call(() => client.schedule.create({ ...wanted, scheduleId: temporalId, memo }));
    }
  }

  async function look(temporalId: string): Promise<ScheduleDescription | undefined> {
    try {
      return await call(() => client.schedule.getHandle(temporalId).describe());
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    async keep(schedule) {
      const { temporalId } = schedule;
      await own?.();
      try {
        const found = schedule.isPending ? undefined : await look(temporalId);
        const wanted = describeWanted(schedule, taskQueue);
        if (found !== undefined && fingerprintOf(found) === schedule.fingerprint && hasNames(found, wanted))
          return seen(found);
        await put(temporalId, wanted);
        const now = await look(temporalId);
        // Removed at this moment. The next comparison creates it again.
        return now === undefined ? { fingerprint: '', nextRunAts: [] } : seen(now);
      } catch (error) {
        // The SDK's error for a specification that Temporal cannot read.
        if (error instanceof TypeError) return { problem: `Temporal refuses it: ${error.message}` };
        throw unavailable(error);
      }
    },

    async remove(temporalId) {
      try {
        await call(() => client.schedule.getHandle(temporalId).delete());
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw unavailable(error);
      }
    },
  };
}

type Wanted = ScheduleUpdateOptions & {
  readonly spec: object;
  readonly action: {
    readonly memo: Record<string, unknown>;
    readonly staticSummary: string;
    readonly taskQueue: string;
  };
};

/** Temporal skips a run if the previous one has not begun because no worker is there. `scheduledSync` skips the others. */
function describeWanted(schedule: KeptSchedule, taskQueue: string): Wanted {
  const { cron, intervalSeconds, jitterSeconds, timeZone, catchupWindowSeconds, paused, note } = schedule;
  const { temporalId, repositoryName, remoteHost } = schedule;
  const names: SyncNames = { repositoryName, remoteHost, trigger: 'SCHEDULE' };
  const input: ScheduledSyncInput = { scheduleId: schedule.id, temporalId };
  return {
    spec: {
      ...(cron === null ? {} : { cronExpressions: [cron] }),
      ...(intervalSeconds === null ? {} : { intervals: [{ every: intervalSeconds * 1000 }] }),
      jitter: jitterSeconds * 1000,
      timezone: timeZone,
    },
    action: {
      type: 'startWorkflow',
      workflowType: scheduledSyncType,
      workflowId: temporalId,
      taskQueue,
      args: [input],
      memo: { ...names },
      staticSummary: summarizeSync(names),
    },
    policies: { overlap: 'SKIP', catchupWindow: catchupWindowSeconds * 1000, pauseOnFailure: false },
    state: { paused, ...(note === null ? {} : { note }) },
  };
}

/** Whether Temporal shows the present names: a repository may be renamed, and an upstream may move. */
function hasNames({ action }: ScheduleDescription, wanted: Wanted): boolean {
  return action.staticSummary === wanted.action.staticSummary && action.taskQueue === wanted.action.taskQueue;
}

function seen(found: ScheduleDescription): SeenSchedule {
  return {
    fingerprint: fingerprintOf(found),
    nextRunAts: found.state.paused ? [] : found.info.nextActionTimes,
  };
}

/** Temporal stores a schedule in its own form, so it is compared with that form. */
function fingerprintOf({ spec, action, policies, state }: ScheduleDescription): string {
  return createHash('sha256')
    .update(JSON.stringify([spec, action, policies, state]))
    .digest('base64url');
}
