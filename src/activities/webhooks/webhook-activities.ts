import type { ActivityDeps } from '../deps.ts';
import { runWithHeartbeat } from '../failure.ts';
import { deliverDue } from './deliver-due.ts';
import type { DeliveredWebhooks } from './deliver-due.ts';

export function createWebhookActivities(deps: ActivityDeps) {
  return {
    /** Routes events, and sends what is due. */
    deliverDueWebhooks: (): Promise<DeliveredWebhooks> =>
      runWithHeartbeat((signal) => deliverDue(deps, signal)),
  };
}
