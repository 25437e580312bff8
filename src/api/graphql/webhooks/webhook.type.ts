import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { Webhook, WebhookFormat } from '../../../db/schema/webhooks/webhooks.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { DateTime } from '../scalars.ts';
import { webhookText } from './webhook-text.ts';

export const WebhookFormatEnum = { CLOUDEVENTS: 'CLOUDEVENTS', HARBOR: 'HARBOR' } as const;
registerEnumType(WebhookFormatEnum, {
  name: 'WebhookFormat',
  description: 'The form of the messages of a webhook.',
  valuesConfig: {
    CLOUDEVENTS: { description: 'CloudEvents 1.0 in structured JSON.' },
    HARBOR: {
      description:
        "The JSON of Harbor's webhooks: PUSH_ARTIFACT, DELETE_ARTIFACT and REPLICATION. Only new versions and ended syncs have such a form.",
    },
  },
});

@ObjectType('Webhook', {
  implements: NodeType,
  description:
    'An endpoint that is told of events. Each message is signed (Standard Webhooks) and sent at least once, for up to a day; the order is not ' +
    'guaranteed. The API never returns the secret of a webhook again.',
  simpleResolvers: true,
})
export class WebhookType extends NodeType {
  row!: Webhook;

  @Field(() => String, { description: webhookText.name })
  name!: string;

  @Field(() => [String], { description: webhookText.events })
  events!: string[];

  @Field(() => [String], { description: webhookText.repositories })
  repositories!: string[];

  @Field(() => WebhookFormatEnum, { description: webhookText.format })
  format!: WebhookFormat;

  @Field(() => Boolean, { description: webhookText.enabled })
  enabled!: boolean;

  @Field(() => String, {
    nullable: true,
    description:
      'Why the server has disabled it: the endpoint answered 410, or no delivery succeeded for a day. Null: it is enabled, or a person has disabled it.',
  })
  disabledReason!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the endpoint last accepted a message; null: never.',
  })
  lastDeliveredAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Until when the secret before the last rotation signs messages as well; null: it does not.',
  })
  earlierSecretUntil!: Date | null;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toWebhookType(row: Webhook): WebhookType {
  const { name, events, repositories, format, enabled, createdAt, updatedAt } = row;
  const { earlierSecretUntil } = row;
  return Object.assign(new WebhookType(), {
    id: toGlobalId('Webhook', row.id),
    row,
    name,
    events,
    repositories,
    format,
    enabled,
    createdAt,
    updatedAt,
    disabledReason: row.disabledReason ?? null,
    lastDeliveredAt: row.succeededAt ?? null,
    earlierSecretUntil:
      earlierSecretUntil != null && earlierSecretUntil.getTime() > Date.now() ? earlierSecretUntil : null,
  });
}

export const WebhookConnection = connectionType(WebhookType, 'Webhook');

@ObjectType('WebhookPayload', {
  description: 'The result of a mutation of a webhook.',
  simpleResolvers: true,
})
export class WebhookPayload extends Payload {
  @Field(() => WebhookType, { nullable: true, description: 'The webhook; null on error.' })
  webhook!: WebhookType | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The generated secret, "whsec_…", which is shown only here. Null: none was generated, or an error.',
  })
  secret!: string | null;
}
