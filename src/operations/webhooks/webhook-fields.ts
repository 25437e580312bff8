import type { Webhook, WebhookFormat } from '../../db/schema/webhooks/webhooks.ts';
import { quoteValue } from '../../oci/error.ts';
import { matchesGlobs, parseGlob } from '../../selection/globs.ts';
import { hasHarborForm, webhookEvents } from '../../webhooks/event-names.ts';
import { isWebhookSecret } from '../../webhooks/sign-message.ts';
import { checkName, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import { checkEndpointUrl } from '../remotes/urls.ts';
import type { AddressRules } from '../remotes/urls.ts';
import { checkGlobs } from '../rules/rule-fields.ts';

/** In an update, undefined keeps a field and null clears it. The secret is in clear text. */
export interface WebhookFields {
  readonly name?: string | null | undefined;
  readonly url?: string | null | undefined;
  readonly events?: readonly string[] | null | undefined;
  readonly repositories?: readonly string[] | null | undefined;
  readonly format?: WebhookFormat | null | undefined;
  readonly enabled?: boolean | null | undefined;
  /** Null: one is generated. */
  readonly secret?: string | null | undefined;
}

export const webhookDefaults = { format: 'CLOUDEVENTS', enabled: true } as const satisfies WebhookFields;

const required = ['name', 'url', 'format', 'enabled'] as const;

/** Every mistake in the values that were given, and in the whole after the change. */
export function checkWebhookFields(
  input: WebhookFields,
  addresses: AddressRules,
  current?: Pick<Webhook, 'events' | 'format'>,
): Mistake[] {
  const checks: Checked[] = required.map((field) => notNull(field, input[field]));
  if (typeof input.name === 'string') checks.push(checkName('name', input.name));
  if (typeof input.url === 'string') checks.push(checkEndpointUrl('url', input.url, addresses));
  if (input.repositories) checks.push(...[checkGlobs('repositories', input.repositories)].flat());
  if (typeof input.secret === 'string') checks.push(checkSecret(input.secret));
  const format = input.format ?? current?.format ?? webhookDefaults.format;
  const events = input.events === undefined ? (current?.events ?? []) : (input.events ?? []);
  checks.push(...checkEvents(events, format));
  return checks.flatMap((found) => found ?? []);
}

/** Each glob must match an event that the format has a form for. */
function checkEvents(globs: readonly string[], format: WebhookFormat): Checked[] {
  const wrong = [checkGlobs('events', globs)].flat().filter((found) => found !== undefined);
  if (wrong.length > 0) return wrong;
  const known = webhookEvents.filter((name) => format !== 'HARBOR' || hasHarborForm(name));
  return globs.map((text, index) => {
    const glob = parseGlob(text);
    if ('mistake' in glob || known.some((name) => matchesGlobs([glob], name))) return undefined;
    return invalid(
      ['events', String(index)],
      `events[${index}] is ${quoteValue(text)}, which matches no event of the format ${format}. The events are ${known.join(', ')}.`,
    );
  });
}

function checkSecret(text: string): Checked {
  if (isWebhookSecret(text)) return undefined;
  // not repeated: it may be a secret of something else
  return invalid(
    'secret',
    'secret is not a secret of Standard Webhooks; expected whsec_ followed by base64 of 24 to 64 random bytes. Omit it to have one generated.',
  );
}
