import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { autoId, count, createdAt, timestamps } from '../columns/columns.ts';
import type { Identity } from '../columns/identity.ts';

export const webhookFormats = ['CLOUDEVENTS', 'HARBOR'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

/** An endpoint that is told of events. */
export const Webhook = defineEntity({
  name: 'Webhook',
  properties: {
    id: autoId,
    name: p.text(),
    url: p.text(),
    /** Globs over the names of events; empty: all. */
    events: p.array().columnType('text[]').default([]),
    /** Globs over the names of repositories; empty: all. */
    repositories: p.array().columnType('text[]').default([]),
    format: p.enum(webhookFormats).default('CLOUDEVENTS'),
    enabled: p.boolean().default(true),
    secretSealed: p.text().nullable(),
    /** The secret before the last rotation. It signs as well until its time. */
    earlierSecretSealed: p.text().nullable(),
    earlierSecretUntil: p.datetime().nullable(),
    /** When the endpoint last took a delivery. */
    succeededAt: p.datetime().nullable(),
    /** The endpoint has asked for no request before. */
    pausedUntil: p.datetime().nullable(),
    /** Why the server has disabled it; null: a person did. */
    disabledReason: p.text().nullable(),
    /** The caller who created or last changed it. It is told of repositories that they may read. */
    madeBy: p.json<Identity>().nullable(),
    ...timestamps,
  },
});
export type Webhook = InferEntity<typeof Webhook>;

/** The outbox. A row is written in the transaction of what it tells. The id is the sequence number. */
export const WebhookEvent = defineEntity({
  name: 'WebhookEvent',
  properties: {
    id: autoId,
    messageId: p.uuid().defaultRaw('gen_random_uuid()'),
    name: p.text(),
    repositoryId: p.bigint('number').nullable(),
    repositoryName: p.text().nullable(),
    data: p.json<Readonly<Record<string, unknown>>>(),
    occurredAt: createdAt,
    /** When its deliveries were made. */
    routedAt: p.datetime().nullable(),
  },
});

export const deliveryStates = ['PENDING', 'DELIVERED', 'FAILED'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** One event for one webhook. */
export const WebhookDelivery = defineEntity({
  name: 'WebhookDelivery',
  properties: {
    id: autoId,
    webhookId: p.bigint('number'),
    eventId: p.bigint('number'),
    state: p.enum(deliveryStates).default('PENDING'),
    attempts: count,
    httpStatus: p.integer().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    /** The beginning of the last answer that was no success. */
    responseText: p.text().nullable(),
    createdAt,
    attemptedAt: p.datetime().nullable(),
    /** While an attempt runs: when another worker may take it over. */
    nextAttemptAt: p.datetime().nullable().defaultRaw('now()'),
    finishedAt: p.datetime().nullable(),
  },
});

export const webhooksTables = [Webhook, WebhookEvent, WebhookDelivery];
