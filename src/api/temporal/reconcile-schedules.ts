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

/** A look compares at most so many; a thousand schedules are seen within two minutes. */
const aLook = 50;

/**
 * Makes Temporal's schedules agree with ours: one that was changed while Temporal was away, that Temporal has lost, or that somebody changed
 * there is put right; one whose row is gone is removed. @throws TidemarkError `TEMPORAL_UNAVAILABLE`: the next look goes on.
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
