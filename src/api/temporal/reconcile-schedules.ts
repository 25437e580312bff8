import type { Logger } from 'pino';
import type { Database } from '../../db/open-database.ts';
import {
  forgetRemoval,
  keepSchedule,
  readRemovals,
  readSchedulesToKeep,
} from '../../db/tasks/temporal-schedules.ts';
import type { WorkflowStarter } from '../../operations/workflows.ts';

export interface ScheduleReconcilerOptions {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly logger: Logger;
}

/** Schedules per comparison: a thousand schedules are compared within two minutes. */
const aLook = 50;

/**
 * Makes Temporal's schedules agree with ours. Repairs schedules that changed while Temporal was unreachable, that Temporal lost, or that
 * were changed there; removes those without a row.
 * @throws TidemarkError `TEMPORAL_UNAVAILABLE`: the next comparison continues.
 */
export async function reconcileSchedules(
  { database, workflows, logger }: ScheduleReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const em = database.em.fork();
  for (const temporalId of await readRemovals(em, aLook)) {
    if (signal.aborted) return;
    await workflows.schedules.remove(temporalId);
    await forgetRemoval(em, temporalId);
  }
  for (const id of await readSchedulesToKeep(em, aLook)) {
    if (signal.aborted) return;
    await keepSchedule(database.em.fork(), id, async (schedule) => {
      const seen = await workflows.schedules.keep(schedule);
      if ('problem' in seen)
        logger.error({ scheduleId: id, problem: seen.problem }, 'Temporal refuses a schedule');
      else if (schedule.isPending || seen.fingerprint !== schedule.fingerprint)
        logger.info({ scheduleId: id }, 'told Temporal of a schedule');
      return seen;
    });
  }
}
