import type { Logger } from 'pino';
import type { Database } from '../../db/open-database.ts';
import {
  forgetRuleRemoval,
  keepRule,
  readRuleRemovals,
  readRulesToKeep,
} from '../../db/rules/temporal-rules.ts';
import { keepGroup, readGroupsToKeep } from '../../db/schedules/schedule-groups.ts';
import type { ScheduleKeeper } from '../../db/schedules/schedule-groups.ts';
import type { WorkflowStarter } from '../../operations/workflows.ts';

export interface ScheduleReconcilerOptions {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly logger: Logger;
}

/** Groups per comparison: six hundred are compared within a minute. */
const aLook = 50;

/**
 * Makes Temporal's schedules agree with ours. Repairs groups that changed while Temporal was unreachable, that Temporal lost, or that were
 * changed there; removes those without members.
 * @throws TidemarkError `TEMPORAL_UNAVAILABLE`: the next comparison continues.
 */
export async function reconcileSchedules(
  { database, workflows, logger }: ScheduleReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const keeper = logChanges(workflows.schedules, logger);
  for (const specification of await readGroupsToKeep(database.em.fork(), aLook)) {
    if (signal.aborted) return;
    await keepGroup(database.em.fork(), specification, keeper, { isComparison: true });
  }
  for (const temporalId of await readRuleRemovals(database.em.fork(), aLook)) {
    if (signal.aborted) return;
    await keeper.remove(temporalId);
    await forgetRuleRemoval(database.em.fork(), temporalId);
  }
  for (const id of await readRulesToKeep(database.em.fork(), aLook)) {
    if (signal.aborted) return;
    await keepRule(database.em.fork(), id, keeper);
  }
}

function logChanges(schedules: ScheduleKeeper, logger: Logger): ScheduleKeeper {
  return {
    async keep(group) {
      const { specification, isPending, fingerprint } = group;
      const seen = await schedules.keep(group);
      if ('problem' in seen)
        logger.error({ schedule: specification, problem: seen.problem }, 'Temporal refuses a schedule');
      else if (isPending || seen.fingerprint !== fingerprint)
        logger.info({ schedule: specification }, 'told Temporal of a schedule');
      return seen;
    },
    remove: (temporalId) => schedules.remove(temporalId),
  };
}
