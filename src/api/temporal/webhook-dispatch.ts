import type { Logger } from 'pino';
import type { Database } from '../../db/open-database.ts';
import { readInstallation } from '../../db/tasks/installation.ts';
import { hasDueWork } from '../../db/webhooks/deliveries.ts';
import { summaryOf } from '../../workflows/sync-input.ts';
import { webhookWorkflowType, webhooksDueSignal } from '../../workflows/webhook-input.ts';
import { repeat } from '../repeat.ts';
import { callTemporal } from './temporal-call.ts';
import type { WorkflowClientOptions } from './temporal-call.ts';

export interface WebhookDispatchOptions extends Pick<WorkflowClientOptions, 'client' | 'taskQueue' | 'own'> {
  readonly database: Database;
  readonly logger: Logger;
  /** Pause between two looks; default: 1,000. */
  readonly everyMs?: number;
}

/**
 * Starts or wakes the workflow that sends to webhooks, as long as something is due. While Temporal or the database is unreachable, it looks again.
 * @returns a function that stops it.
 */
export function startWebhookDispatch(options: WebhookDispatchOptions): () => Promise<void> {
  const { database, logger, everyMs = 1_000 } = options;
  let pauseMs = everyMs;
  return repeat(async () => {
    let isDue = false;
    try {
      isDue = await hasDueWork(database.em.fork());
      if (isDue) await wake(options);
    } catch (error) {
      logger.debug({ err: error }, 'could not start the deliveries to webhooks yet');
    }
    // a long queue is being sent already: each signal makes the workflow's history longer
    pauseMs = isDue ? Math.min(2 * pauseMs, slowest * everyMs) : everyMs;
    return pauseMs;
  });
}

/** The longest pause, in pauses. */
const slowest = 5;

async function wake({ client, taskQueue, own, database }: WebhookDispatchOptions): Promise<void> {
  await own?.();
  const installation = await readInstallation(database.em.fork());
  await callTemporal(client, () =>
    client.workflow.signalWithStart(webhookWorkflowType, {
      workflowId: `webhooks/${installation}`,
      taskQueue,
      args: [],
      signal: webhooksDueSignal,
      signalArgs: [],
      staticSummary: summaryOf('deliveries to webhooks'),
    }),
  );
}
