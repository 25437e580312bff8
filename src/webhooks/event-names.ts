/** The events that webhooks can be told of. A name never changes: receivers compare it. */
export const webhookEvents = [
  'repository.created',
  'repository.deleted',
  'repository.version.created',
  'repository.sync.completed',
  'repository.sync.failed',
] as const;
export type WebhookEventName = (typeof webhookEvents)[number];

/** Sent to one webhook on request, whatever its filters are. */
export const pingEvent = 'ping';

/** What Harbor has an event of its own for, besides a ping. */
const harborEvents: readonly string[] = [
  'repository.version.created',
  'repository.sync.completed',
  'repository.sync.failed',
] satisfies readonly WebhookEventName[];

export function hasHarborForm(name: string): boolean {
  return harborEvents.includes(name);
}
