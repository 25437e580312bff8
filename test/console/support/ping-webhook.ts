import type { Ask } from '../../../src/demo/sample-estate.ts';
import { until } from '../../support/until.ts';

/** A webhook with a delivery. */
export async function pingWebhook(ask: Ask, url: string): Promise<void> {
  const { webhookCreate } = await ask<{ webhookCreate: { webhook: { id: string } } }>(
    `mutation($input: WebhookCreateInput!) { webhookCreate(input: $input) { webhook { id } } }`,
    { input: { name: 'ci/main', url, events: ['repository.sync.*'], repositories: ['mirror/**'] } },
  );
  const { id } = webhookCreate.webhook;
  await ask(`mutation($id: ID!) { webhookTest(input: { id: $id }) { delivery { id } } }`, { id });
  await until(async () => {
    const { webhook } = await ask<{ webhook: { lastDeliveredAt: string | null } }>(
      `query($id: ID!) { webhook(id: $id) { lastDeliveredAt } }`,
      { id },
    );
    return webhook.lastDeliveredAt !== null;
  });
}
