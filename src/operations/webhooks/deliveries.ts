import { visibilityOf } from '../../access/viewer.ts';
import { Webhook } from '../../db/schema/webhooks/webhooks.ts';
import { insertRedelivery } from '../../db/webhooks/deliveries.ts';
import { readDeliveries } from '../../db/webhooks/read-deliveries.ts';
import { recordPing } from '../../db/webhooks/record-events.ts';
import { noSuchId } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksRole } from '../permit.ts';
import { lockOwned } from '../references.ts';
import { webhookNotFound } from './webhooks.ts';

/** Sends a ping, also while the webhook is disabled. Needs the role maintainer for its name. @returns the id of the delivery. */
export async function testWebhook(operator: Operator, webhook: Reference): Promise<Outcome<number>> {
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, operator.viewer, Webhook, { ...webhook, notFound: webhookNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    return done(await recordPing(em, owned.value.id));
  });
}

/**
 * Delivers an event again, as a new delivery with the same message id, also while the webhook is disabled. Needs the role maintainer for the webhook's
 * name. @returns the id of the new delivery.
 */
export async function redeliver(operator: Operator, delivery: Reference): Promise<Outcome<number>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const [row] =
      delivery.key === undefined ? [] : await readDeliveries(em, visibilityOf(viewer), [delivery.key]);
    if (row === undefined) return refused(noSuchId('delivery', 'webhook.deliveries', delivery));
    const lacking = lacksRole(viewer, 'maintainer', row.webhookName, delivery.field);
    if (lacking.length > 0) return refused(...lacking);
    return done(await insertRedelivery(em, row.id));
  });
}
