/** A schedule's row, and Temporal's schedule made from it as the API does. */
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import { Schedule } from '../../../src/db/schema/schedules.ts';
import { readScheduleRunPages, readScheduleStates } from '../../../src/db/reads/read-schedules.ts';
import type { ScheduleRunRow } from '../../../src/db/reads/read-schedules.ts';
import { deleteSchedules, keepGroup } from '../../../src/db/schedules/schedule-groups.ts';
import type { ScheduledSyncsResult } from '../../../src/workflows/scheduled-syncs-input.ts';
import type { SyncHarness } from './sync-harness.ts';
import { until } from '../until.ts';

export interface EndedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Schedules by the outcome of their runs. */
  readonly result: ScheduledSyncsResult;
}

export type TestSchedule = Awaited<ReturnType<typeof createSchedule>>;

/** Due once a year, unless said otherwise: `run` lets it run now. */
export async function createSchedule(
  harness: Pick<SyncHarness, 'client' | 'taskQueue' | 'em'>,
  ids: { readonly repositoryId: number },
  wish: Partial<Schedule> = {},
) {
  const { schedules } = createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue });
  const em = harness.em();
  const row = em.create(Schedule, {
    repositoryId: ids.repositoryId,
    intervalSeconds: 366 * 24 * 3600,
    timeZone: 'UTC',
    jitterSeconds: 0,
    catchupWindowSeconds: 60,
    mirror: false,
    allowPrivate: true,
    paused: false,
    ...wish,
  });
  await em.flush();
  const { specification } = await harness.em().findOneOrFail(Schedule, { id: row.id });
  const keep = () => keepGroup(harness.em(), specification, schedules, { isComparison: false });
  await keep();
  const [state] = await readScheduleStates(harness.em(), [row.id]);
  const handle = harness.client.schedule.getHandle(state?.temporalId ?? '');
  return {
    id: row.id,
    handle,

    /** As the Temporal UI's button does; answers the workflow `scheduledSyncs` once it has ended. */
    async run(): Promise<EndedRun> {
      const runs = (await handle.describe()).info.numActionsTaken + 1;
      await handle.trigger('ALLOW_ALL');
      const last = async () => (await handle.describe()).info.recentActions;
      await until(async () => (await handle.describe()).info.numActionsTaken === runs);
      const action = (await last()).at(-1)?.action.workflow;
      const workflowId = action?.workflowId ?? '';
      const runId = action?.firstExecutionRunId ?? '';
      return {
        workflowId,
        runId,
        result: await harness.client.workflow.getHandle(workflowId, runId).result(),
      };
    },

    /** Newest first. */
    async runs(): Promise<readonly ScheduleRunRow[]> {
      const [page] = await readScheduleRunPages(harness.em(), [row.id], { first: 100, after: undefined });
      return page?.rows ?? [];
    },

    async delete(): Promise<void> {
      await deleteSchedules(harness.em(), { id: row.id });
      await keep();
    },
  };
}
