import { webhookEvents } from '../../../webhooks/event-names.ts';

/** Descriptions shared by the webhook and its inputs (docs/webhooks.md). */
export const webhookText = {
  name: 'Unique name, 1 to 255 visible characters.',
  url:
    'Where events are sent by POST, http or https, without user name, password and fragment. Loopback and private addresses need ' +
    'TIDEMARK_ALLOW_UPSTREAM once others can reach this server. Redirects are not followed.',
  events: `Globs over the names of events, up to 100, e.g. "repository.sync.*": ${webhookEvents.join(', ')}. Empty or null: all.`,
  repositories:
    'Globs over the names of repositories, up to 100: ** any characters, * and ? within a part, {a,b} one of several. Empty or null: all that ' +
    'the last editor of the webhook may read, which also limits the globs.',
  format: 'The form of the messages.',
  enabled:
    'Whether it is told of events. False: events are not kept for it, and waiting deliveries fail. True after an automatic disabling: it starts ' +
    'again.',
  secret:
    'The secret that signs the messages: whsec_ and base64 of 24 to 64 random bytes. Omitted: one is generated and shown once in the payload. ' +
    'Write-only, stored encrypted.',
};
