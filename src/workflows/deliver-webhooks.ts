import { condition, continueAsNew, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { openRemote } from './steps.ts';
import { webhooksDueSignal } from './webhook-input.ts';

const { deliverDueWebhooks } = openRemote('24h');

/** A longer history continues as a new one, so that none has more than 500 events (docs/design.md). */
const eventsAtMost = 200;

/**
 * Sends what is due to webhooks, until nothing waits. Events and deliveries are rows: this decides only when to look. Between two attempts it waits
 * for a timer or for the signal.
 */
export async function deliverWebhooks(): Promise<void> {
  const state = { isDue: false };
  setHandler(defineSignal(webhooksDueSignal), () => {
    state.isDue = true;
  });
  while (workflowInfo().historyLength < eventsAtMost) {
    state.isDue = false;
    const { nextInMs } = await deliverDueWebhooks.executeWithOptions({ summary: 'send what is due' }, []);
    if (state.isDue || nextInMs === 0) continue;
    if (nextInMs === null) return;
    await condition(() => state.isDue, Math.ceil(nextInMs));
  }
  await continueAsNew<typeof deliverWebhooks>();
}
