import { readCommitted } from '../db/versions/commit-version.ts';
import { cutDueSchedules } from '../db/schedules/due-schedules.ts';
import type { DueMoment, DuePage, PageCounts } from '../db/schedules/due-schedules.ts';
import { logTaskBegun } from '../db/tasks/task-log.ts';
import { clearStage } from '../db/tasks/tasks.ts';
import { createAttributeFallback } from '../telemetry/attribute-fallback.ts';
import type { SyncResult } from '../workflows/sync-input.ts';
import type { UnfinishedSync } from '../workflows/sync-stages.ts';
import { beginSync } from './sync/begin-sync.ts';
import type { ActivityDeps, TaskInput } from './deps.ts';
import { runActivity, runWithHeartbeat } from './failure.ts';
import { createRuleActivities } from './rules/rule-activities.ts';
import { createStageActivities } from './sync/stage-activities.ts';
import { beginPage } from './schedules/begin-page.ts';
import { createLooks } from './look/create-looks.ts';
import { startInWindow } from './sync/sync-window.ts';
import { createSyncContexts } from './sync/sync-context.ts';
import { shareClients } from './sync/share-clients.ts';
import { createTaskActivities } from './task-activities.ts';
import { createUpkeepActivities } from './upkeep/upkeep-activities.ts';
import { createWebhookActivities } from './webhooks/webhook-activities.ts';

/** Workflows import this type only. Each activity takes one object and returns plain JSON. */
export type Activities = ReturnType<typeof createActivities>['activities'];

const schedulesAPage = 100;
/** Listings are numbered by round and attempt. */
const attemptsARound = 100_000;

/** The activities of a worker. `close` closes the clients that they hold. */
export function createActivities(deps: ActivityDeps) {
  const shared = shareClients(deps);
  const contexts = createSyncContexts(deps, shared);
  const looks = createLooks(deps, shared);
  const attributes = createAttributeFallback((fields, message) => deps.logger.warn(fields, message));
  const starter = { ...deps, attributes };
  const fork = () => deps.database.em.fork();
  const activities = {
    ...createTaskActivities(deps),
    ...createRuleActivities(deps, looks),
    ...createUpkeepActivities(deps),
    ...createWebhookActivities(deps),
    ...createStageActivities(deps, contexts),

    /** The last id of each page of due schedules. Local. */
    cutDueSchedules: (moment: DueMoment): Promise<number[]> =>
      runActivity(() => cutDueSchedules(fork(), moment, schedulesAPage)),

    /** Looks at the repositories of a page of due schedules, and starts the syncs of those that may have changed. */
    beginScheduledSyncs: (page: DuePage): Promise<PageCounts> =>
      runWithHeartbeat((signal) => beginPage(starter, looks, page, signal)),

    /** A later `round` follows the loss of an upstream. Starts the task, lists the tags, and runs the small stages. Null while the maximum of syncs of the upstream's host is running. */
    beginSync: ({
      taskId,
      round = 0,
    }: TaskInput & { round?: number }): Promise<SyncResult | UnfinishedSync | null> =>
      runWithHeartbeat(async (signal, { info: { attempt } }) => {
        // an earlier attempt may have committed and been cut off before it returned or cleared its stage
        const committed = attempt > 1 || round > 0 ? await readCommitted(fork(), taskId) : undefined;
        if (committed !== undefined) {
          await clearStage(fork(), taskId);
          return committed;
        }
        const started = await startInWindow(deps, fork(), taskId);
        if (started === undefined) return null;
        if (started.isNew) await logTaskBegun(fork(), deps.logger, taskId);
        return contexts.useOnline(
          taskId,
          signal,
          (sync, online) => beginSync(deps, sync, round * attemptsARound + attempt, { signal, online }),
          { lists: true },
        );
      }),
  };
  return {
    activities,
    close: async () => {
      await Promise.all([contexts.close(), looks.close()]);
      await shared.announced.close();
    },
  };
}
