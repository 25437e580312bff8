import { Field, ID, InputType } from 'type-graphql';
import type { WebhookFormat } from '../../../db/schema/webhooks/webhooks.ts';
import { webhookText } from './webhook-text.ts';
import { WebhookFormatEnum } from './webhook.type.ts';

const option = (description: string) => ({ nullable: true, description }) as const;
const cleared = (text: string): string => `${text} It cannot be cleared.`;

/** The fields of a new webhook but its secret. */
@InputType()
export abstract class NewWebhookSettings {
  @Field(() => String, { description: webhookText.name })
  name!: string;

  @Field(() => String, { description: webhookText.url })
  url!: string;

  @Field(() => [String], option(webhookText.events))
  events?: string[] | null;

  @Field(() => [String], option(webhookText.repositories))
  repositories?: string[] | null;

  @Field(() => WebhookFormatEnum, {
    nullable: true,
    defaultValue: 'CLOUDEVENTS',
    description: webhookText.format,
  })
  format?: WebhookFormat | null;

  @Field(() => Boolean, { nullable: true, defaultValue: true, description: webhookText.enabled })
  enabled?: boolean | null;
}

@InputType('WebhookCreateInput', {
  description:
    'A new webhook. It is told of the repositories that the caller may read, as the roles are at each event.',
})
export class WebhookCreateInput extends NewWebhookSettings {
  @Field(() => String, option(webhookText.secret))
  secret?: string | null;
}

@InputType('WebhookUpdateInput', {
  description:
    'Changes to a webhook. Omitted fields are kept; null clears a field. From then on it is told of the repositories that the caller may read.',
})
export class WebhookUpdateInput {
  @Field(() => ID, { description: 'The webhook.' })
  id!: string;

  @Field(() => String, option(cleared(webhookText.name)))
  name?: string | null;

  @Field(() => String, option(cleared(webhookText.url)))
  url?: string | null;

  @Field(() => [String], option(webhookText.events))
  events?: string[] | null;

  @Field(() => [String], option(webhookText.repositories))
  repositories?: string[] | null;

  @Field(() => WebhookFormatEnum, option(cleared(webhookText.format)))
  format?: WebhookFormat | null;

  @Field(() => Boolean, option(cleared(webhookText.enabled)))
  enabled?: boolean | null;

  @Field(
    () => String,
    option(
      'A secret that replaces the present one at once: whsec_ and base64 of 24 to 64 random bytes. Null: it is kept. webhookRotateSecret ' +
        'generates one without an interruption. Write-only, stored encrypted.',
    ),
  )
  secret?: string | null;
}

@InputType('WebhookDeleteInput', { description: 'The webhook to delete, with its deliveries.' })
export class WebhookDeleteInput {
  @Field(() => ID, { description: 'The webhook.' })
  id!: string;
}

@InputType('WebhookRotateSecretInput', { description: 'The webhook whose secret is replaced.' })
export class WebhookRotateSecretInput {
  @Field(() => ID, { description: 'The webhook.' })
  id!: string;
}

@InputType('WebhookTestInput', { description: 'The webhook to send a ping to.' })
export class WebhookTestInput {
  @Field(() => ID, { description: 'The webhook.' })
  id!: string;
}

@InputType('WebhookRedeliverInput', { description: 'The delivery to repeat.' })
export class WebhookRedeliverInput {
  @Field(() => ID, { description: 'The delivery.' })
  id!: string;
}
