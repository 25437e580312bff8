/** A stage with an API that sends to webhooks, and endpoints for them. */
import { expect } from 'vitest';
import { startWebhookDispatch } from '../../../src/api/temporal/webhook-dispatch.ts';
import type { HarnessApiOptions } from '../api/harness-api.ts';
import { openStageWithApi } from '../sync/stage-with-api.ts';
import type { SyncHarnessOptions } from '../sync/harness-options.ts';
import { until } from '../until.ts';
import { openWebhookEndpoint } from './endpoint.ts';
import type { EndpointAnswer, WebhookEndpoint } from './endpoint.ts';

export interface Delivery {
  readonly id: string;
  readonly messageId: string;
  readonly event: string;
  readonly repositoryName: string | null;
  readonly state: 'PENDING' | 'DELIVERED' | 'FAILED';
  readonly attempts: number;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly responseText: string | null;
  readonly nextAttemptAt: string | null;
}

const fields =
  'id messageId event repositoryName state attempts httpStatus errorCode errorMessage responseText nextAttemptAt';

export type WebhookStage = Awaited<ReturnType<typeof openWebhookStage>>;

export async function openWebhookStage(options: SyncHarnessOptions & HarnessApiOptions = {}) {
  const stage = await openStageWithApi(options);
  const { harness, api } = stage;
  const { database, client, taskQueue, activityOptions } = harness;
  const { logger } = activityOptions;
  let stop = startWebhookDispatch({ database, client, taskQueue, logger, everyMs: 50 });
  const endpoints: WebhookEndpoint[] = [];
  const own = {
    ...stage,
    async open(scene?: Parameters<typeof stage.open>[0]) {
      return stage.open(scene);
    },
    async endpoint(...answers: EndpointAnswer[]): Promise<WebhookEndpoint> {
      const endpoint = await openWebhookEndpoint(...answers);
      endpoints.push(endpoint);
      return endpoint;
    },
    /** @returns its id and secret. */
    async webhook(input: { readonly name: string; readonly url: string } & Record<string, unknown>) {
      const made = await api.mutate('webhookCreate', input, 'webhook { id } secret');
      expect(made.userErrors).toEqual([]);
      return { id: made.webhook.id as string, secret: made.secret as string };
    },
    async deliveries(id: string): Promise<Delivery[]> {
      const { webhook } = await api.data(
        `query ($id: ID!) { webhook(id: $id) { deliveries(first: 100) { nodes { ${fields} } } } }`,
        { id },
      );
      return webhook.deliveries.nodes;
    },
    async ping(id: string): Promise<Delivery> {
      const sent = await api.mutate('webhookTest', { id }, `delivery { ${fields} }`);
      expect(sent.userErrors).toEqual([]);
      return sent.delivery;
    },
    /** A delivery once its first attempt has a result. */
    async tried(id: string): Promise<Delivery> {
      let found: Delivery | undefined;
      await until(async () => {
        const { node } = await api.data(
          `query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { ${fields} } } }`,
          {
            id,
          },
        );
        found = node;
        return node.state !== 'PENDING' || node.errorCode !== null;
      });
      if (found === undefined) throw new Error('the delivery is gone');
      return found;
    },
    /** Makes what waits due now. */
    async hurry(): Promise<void> {
      await database.em
        .fork()
        .execute("update webhook_delivery set next_attempt_at = now() where state = 'PENDING'");
      await database.em.fork().execute('update webhook set paused_until = null');
    },
    sql: (statement: string, values: readonly unknown[] = []) =>
      database.em.fork().execute<Record<string, unknown>[]>(statement, [...values]),
    async pauseDispatch(): Promise<void> {
      await stop();
    },
    resumeDispatch(): void {
      stop = startWebhookDispatch({ database, client, taskQueue, logger, everyMs: 50 });
    },
    async close(): Promise<void> {
      await stop();
      await Promise.all(endpoints.map((endpoint) => endpoint.close()));
      await stage.close();
    },
  };
  return own;
}
