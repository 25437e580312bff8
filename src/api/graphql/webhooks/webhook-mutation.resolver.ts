import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../../../operations/operation.ts';
import type { RemoteRules } from '../../../operations/remotes/remotes.ts';
import { redeliver, testWebhook } from '../../../operations/webhooks/deliveries.ts';
import {
  createWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  updateWebhook,
} from '../../../operations/webhooks/webhooks.ts';
import type { WebhookResult } from '../../../operations/webhooks/webhooks.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toReference } from '../run-mutation.ts';
import { syncDepsOf } from '../tasks/answer-task.ts';
import { WebhookDeliveryPayload, toDeliveryType } from './webhook-delivery.type.ts';
import {
  WebhookCreateInput,
  WebhookDeleteInput,
  WebhookRedeliverInput,
  WebhookRotateSecretInput,
  WebhookTestInput,
  WebhookUpdateInput,
} from './webhook-input.type.ts';
import { WebhookPayload, toWebhookType } from './webhook.type.ts';

@Resolver()
export class WebhookMutationResolver {
  @Mutation(() => WebhookPayload, {
    description: 'Creates a webhook. Needs the role maintainer for its name. Nothing is sent until an event.',
  })
  async webhookCreate(
    @Arg('input', () => WebhookCreateInput, { description: 'The new webhook.' }) input: WebhookCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookPayload> {
    return answer(context, createWebhook(context, rulesOf(context), input));
  }

  @Mutation(() => WebhookPayload, {
    description: 'Changes a webhook. Deliveries that wait are sent to the new URL, in the new format.',
  })
  async webhookUpdate(
    @Arg('input', () => WebhookUpdateInput, { description: 'The changes.' }) input: WebhookUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookPayload> {
    return answer(context, updateWebhook(context, rulesOf(context), webhookOf(input), input));
  }

  @Mutation(() => DeletePayload, { description: 'Deletes a webhook with its deliveries.' })
  async webhookDelete(
    @Arg('input', () => WebhookDeleteInput, { description: 'The webhook.' }) input: WebhookDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteWebhook(context, webhookOf(input)));
  }

  @Mutation(() => WebhookPayload, {
    description:
      'Generates a new secret. For 24 hours, messages have a signature of the new secret and one of the present secret.',
  })
  async webhookRotateSecret(
    @Arg('input', () => WebhookRotateSecretInput, { description: 'The webhook.' })
    input: WebhookRotateSecretInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookPayload> {
    return answer(context, rotateWebhookSecret(context, context.api.secrets, webhookOf(input)));
  }

  @Mutation(() => WebhookDeliveryPayload, {
    description: 'Sends a message of the event ping, whatever the filters are, also while it is disabled.',
  })
  async webhookTest(
    @Arg('input', () => WebhookTestInput, { description: 'The webhook.' }) input: WebhookTestInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookDeliveryPayload> {
    return answerDelivery(context, testWebhook(context, webhookOf(input)));
  }

  @Mutation(() => WebhookDeliveryPayload, {
    description:
      'Delivers an event again, as a new delivery with the same message id, also while the webhook is disabled.',
  })
  async webhookRedeliver(
    @Arg('input', () => WebhookRedeliverInput, { description: 'The delivery.' }) input: WebhookRedeliverInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookDeliveryPayload> {
    return answerDelivery(context, redeliver(context, toReference('WebhookDelivery', 'id', input.id)));
  }
}

function rulesOf(context: RequestContext): RemoteRules {
  return { addresses: syncDepsOf(context).addresses, secrets: context.api.secrets };
}

function webhookOf({ id }: { readonly id: string }) {
  return toReference('Webhook', 'id', id);
}

type WebhookPart = Pick<WebhookPayload, 'webhook' | 'secret'>;

function answer(
  context: RequestContext,
  operation: Promise<Outcome<WebhookResult>>,
): Promise<WebhookPayload> {
  const load = async ({
    id,
    secret = null,
  }: {
    readonly id: number;
    readonly secret?: string | null | undefined;
  }) => {
    const row = await context.loaders.webhooks.load(id);
    return { webhook: row === undefined ? null : toWebhookType(row), secret };
  };
  return runMutation<WebhookResult, WebhookPart>(context, operation, load, { webhook: null, secret: null });
}

type DeliveryPart = Pick<WebhookDeliveryPayload, 'delivery'>;

function answerDelivery(
  context: RequestContext,
  operation: Promise<Outcome<number>>,
): Promise<WebhookDeliveryPayload> {
  const load = async (id: number): Promise<DeliveryPart> => {
    const row = await context.loaders.webhookDeliveries.load(id);
    return { delivery: row === undefined ? null : toDeliveryType(row) };
  };
  return runMutation<number, DeliveryPart>(context, operation, load, { delivery: null });
}
