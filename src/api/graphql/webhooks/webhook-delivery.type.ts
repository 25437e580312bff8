import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DeliveryState } from '../../../db/schema/webhooks/webhooks.ts';
import type { DeliveryRow } from '../../../db/webhooks/read-deliveries.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { DateTime } from '../scalars.ts';

export const WebhookDeliveryStateEnum = {
  PENDING: 'PENDING',
  DELIVERED: 'DELIVERED',
  FAILED: 'FAILED',
} as const;
registerEnumType(WebhookDeliveryStateEnum, {
  name: 'WebhookDeliveryState',
  description: 'What became of a delivery.',
  valuesConfig: {
    PENDING: { description: 'An attempt runs, or is due at nextAttemptAt.' },
    DELIVERED: { description: 'The endpoint accepted the message with a status from 200 to 299.' },
    FAILED: { description: 'No attempt succeeded. There are no more.' },
  },
});

@ObjectType('WebhookDelivery', {
  implements: NodeType,
  description: 'One event for one webhook.',
  simpleResolvers: true,
})
export class WebhookDeliveryType extends NodeType {
  row!: DeliveryRow;

  @Field(() => String, {
    description: 'The webhook-id of the message, the same in each attempt and in redeliveries.',
  })
  messageId!: string;

  @Field(() => String, { description: 'The name of the event, or ping.' })
  event!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The repository by its name at the time of the event; null for a ping.',
  })
  repositoryName!: string | null;

  @Field(() => WebhookDeliveryStateEnum, { description: 'What became of it.' })
  state!: DeliveryState;

  @Field(() => Int, { description: 'Attempts so far, with one that is running.' })
  attempts!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The HTTP status of the last attempt; null: there was no answer, or no attempt.',
  })
  httpStatus!: number | null;

  @Field(() => String, { nullable: true, description: 'A stable code of the last error; null: none.' })
  errorCode!: string | null;

  @Field(() => String, { nullable: true, description: 'The last error and what to do; null: none.' })
  errorMessage!: string | null;

  @Field(() => DateTime, { description: 'When it was made.' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the last attempt began; null: none yet.' })
  attemptedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the next attempt is due. While an attempt runs: when it is taken for lost. Null: there is none.',
  })
  nextAttemptAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was delivered or failed; null: it waits.' })
  finishedAt!: Date | null;
}

export function toDeliveryType(row: DeliveryRow): WebhookDeliveryType {
  const { id, messageId, event, repositoryName, state, attempts, httpStatus, errorCode, errorMessage } = row;
  const { createdAt, attemptedAt, nextAttemptAt, finishedAt } = row;
  return Object.assign(new WebhookDeliveryType(), {
    id: toGlobalId('WebhookDelivery', id),
    row,
    messageId: `msg_${messageId}`,
    event,
    repositoryName,
    state,
    attempts,
    httpStatus,
    errorCode,
    errorMessage,
    createdAt,
    attemptedAt,
    nextAttemptAt,
    finishedAt,
  });
}

export const WebhookDeliveryConnection = connectionType(WebhookDeliveryType, 'WebhookDelivery');

@ObjectType('WebhookDeliveryPayload', {
  description: 'The result of a mutation that delivers something.',
  simpleResolvers: true,
})
export class WebhookDeliveryPayload extends Payload {
  @Field(() => WebhookDeliveryType, {
    nullable: true,
    description: 'The new delivery, which a worker sends within seconds; null on error.',
  })
  delivery!: WebhookDeliveryType | null;
}
