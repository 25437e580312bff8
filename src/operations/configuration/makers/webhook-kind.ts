import type { SecretBox } from '../../../access/secrets.ts';
import { may } from '../../../access/viewer.ts';
import { Webhook } from '../../../db/schema/webhooks/webhooks.ts';
import { invalid } from '../../mistakes.ts';
import { done, refused } from '../../operation.ts';
import { webhookDefaults } from '../../webhooks/webhook-fields.ts';
import type { WebhookFields } from '../../webhooks/webhook-fields.ts';
import { createWebhook, deleteWebhook, openSecret, updateWebhook } from '../../webhooks/webhooks.ts';
import type { NewWebhook } from '../../webhooks/webhooks.ts';
import type { Present, Values } from '../configuration.ts';
import { readRows } from '../find-named.ts';
import type { Kind } from '../kind.ts';
import { columnsOf, emptyToNull } from '../values.ts';

export const webhookKind: Kind = {
  kind: 'WEBHOOK',
  section: 'webhooks',
  nameField: 'name',
  defaults: { ...webhookDefaults, events: null, repositories: null },
  kept: ['secret'],
  secrets: ['secret'],
  references: {},
  settle,
  async read(reader, which) {
    const rows = await readRows(reader, Webhook, which);
    return rows.map((row) => describe(row, reader.secrets, may(reader.viewer, 'maintainer', row.name)));
  },
  async create(maker, deps, values) {
    const fields = values as unknown as NewWebhook;
    // what is generated could not be shown
    if (fields.secret == null)
      return refused(
        invalid(
          'secret',
          'secret is missing; a new webhook of a configuration needs it, e.g. "${WEBHOOK_SECRET}".',
        ),
      );
    const made = await createWebhook(maker, deps, fields);
    return made.mistakes === undefined ? done(made.value.id) : refused(...made.mistakes);
  },
  update: (maker, deps, { thing, changes }) => updateWebhook(maker, deps, thing, changes),
  remove: (maker, _, thing) => deleteWebhook(maker, thing),
};

/** Without a secret, the stored one is kept. */
function settle({ secret, ...values }: Values): Values {
  const { events, repositories } = values as WebhookFields;
  return {
    ...values,
    events: emptyToNull(events),
    repositories: emptyToNull(repositories),
    ...(typeof secret === 'string' ? { secret } : {}),
  };
}

/** The path of a URL may be secret. */
function describe(row: Webhook, box: SecretBox, isOwn: boolean): Present {
  return {
    id: row.id,
    name: row.name,
    values: settle({
      ...columnsOf(row, webhookKind.defaults),
      name: row.name,
      url: isOwn ? row.url : new URL(row.url).origin,
      secret: openSecret(row, box),
    }),
  };
}
