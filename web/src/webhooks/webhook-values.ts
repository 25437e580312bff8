import type { ResultOf } from '../graphql/graphql.ts';
import type { WebhookSettings } from './webhook-queries.ts';

export type Webhook = ResultOf<typeof WebhookSettings>;

export const formats: readonly { readonly value: Webhook['format']; readonly label: string }[] = [
  { value: 'CLOUDEVENTS', label: 'CloudEvents 1.0' },
  { value: 'HARBOR', label: "Harbor's webhooks" },
];

/** The names of docs/webhooks.md, as suggestions: the field takes globs. */
export const eventNames = [
  'repository.created',
  'repository.deleted',
  'repository.version.created',
  'repository.sync.completed',
  'repository.sync.failed',
];

/** The form: the API's fields. */
export function valuesOf(webhook: Webhook | undefined) {
  return {
    name: webhook?.name ?? '',
    url: webhook?.url ?? '',
    events: webhook?.events ?? [],
    repositories: webhook?.repositories ?? [],
    format: webhook?.format ?? 'CLOUDEVENTS',
    enabled: webhook?.enabled ?? true,
  };
}

export type Values = ReturnType<typeof valuesOf>;
