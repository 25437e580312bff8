import { setTimeout as sleep } from 'node:timers/promises';
import { claimDelivery, readNextDueMs } from '../../db/webhooks/deliveries.ts';
import { routeEvents } from '../../db/webhooks/route-events.ts';
import type { ActivityDeps } from '../deps.ts';
import { chooseRoutes } from './choose-routes.ts';
import { deliver, readSource } from './deliver.ts';

/** Attempts of this worker at a time, and of one webhook, so that a slow endpoint leaves some to the others. */
const atOnce = 16;
const atOnceToOne = 4;
/** While attempts run, new events are looked for so often. */
const lookMs = 500;
/** Then the activity ends, and the workflow goes on with a new one. */
const longestMs = 60_000;

export interface DeliveredWebhooks {
  /** Until the next delivery is due; null: none waits. */
  readonly nextInMs: number | null;
}

/** Routes the events, and makes an attempt at each delivery that is due. */
export async function deliverDue(deps: ActivityDeps, signal: AbortSignal): Promise<DeliveredWebhooks> {
  const em = () => deps.database.em.fork();
  const source = await readSource(deps);
  const route = async (): Promise<void> => {
    while (await routeEvents(em(), (...found) => chooseRoutes(deps, ...found))) signal.throwIfAborted();
  };
  const until = performance.now() + longestMs;
  const running = new Map<Promise<void>, number>();
  const failures: unknown[] = [];
  try {
    await route();
    while (performance.now() < until && failures.length === 0) {
      signal.throwIfAborted();
      const claimed =
        running.size < atOnce ? await claimDelivery(em(), busyWith([...running.values()])) : undefined;
      if (claimed !== undefined) {
        const attempt: Promise<void> = deliver(deps, source, claimed, signal)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => running.delete(attempt));
        running.set(attempt, claimed.webhookId);
      } else if (running.size === 0) break;
      else {
        await Promise.race([...running.keys(), sleep(lookMs)]);
        await route();
      }
    }
  } finally {
    await Promise.all(running.keys());
  }
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return { nextInMs: (await readNextDueMs(em())) ?? null };
}

/** The webhooks that have as many attempts as they may. */
function busyWith(webhookIds: readonly number[]): number[] {
  const counts = Map.groupBy(webhookIds, (id) => id);
  return [...counts].filter(([, ids]) => ids.length >= atOnceToOne).map(([id]) => id);
}
