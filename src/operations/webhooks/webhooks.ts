import type { SecretBox } from '../../access/secrets.ts';
import { Webhook } from '../../db/schema/webhooks/webhooks.ts';
import { failPending } from '../../db/webhooks/deliveries.ts';
import { quoteValue } from '../../oci/error.ts';
import { newWebhookSecret } from '../../webhooks/sign-message.ts';
import { mistake, noSuchId } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksNames, lacksRole, newNameOf } from '../permit.ts';
import { isNameTaken, lockNamed, lockOwned } from '../references.ts';
import { withDefaults } from '../remotes/given-fields.ts';
import type { RemoteRules } from '../remotes/remotes.ts';
import { checkWebhookFields, webhookDefaults } from './webhook-fields.ts';
import type { WebhookFields } from './webhook-fields.ts';

export interface NewWebhook extends WebhookFields {
  readonly name: string;
  readonly url: string;
}

/** A webhook with the secret that was generated for it. */
export interface WebhookResult {
  readonly id: number;
  /** Shown once. Undefined: none was generated. */
  readonly secret: string | undefined;
}

/** Both secrets sign for so long after a rotation. */
const earlierSecretHours = 24;

/** Needs the role maintainer for the name. It is told of the repositories that its creator may read. */
export async function createWebhook(
  operator: Operator,
  rules: RemoteRules,
  fields: NewWebhook,
): Promise<Outcome<WebhookResult>> {
  const { viewer } = operator;
  const { name } = fields;
  const lacking = lacksRole(viewer, 'maintainer', name, 'name');
  if (lacking.length > 0) return refused(...lacking);
  return inTransaction(
    operator,
    async (em) => {
      const given = withDefaults(fields, webhookDefaults);
      const mistakes = checkWebhookFields(given, rules.addresses);
      if (await isNameTaken(em, 'webhook', name)) mistakes.push(nameTaken(name));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(Webhook, {
        name,
        url: fields.url,
        events: [],
        repositories: [],
        format: webhookDefaults.format,
        enabled: webhookDefaults.enabled,
        madeBy: viewer.identity,
      });
      applyFields(row, given);
      // the id is part of what the secret is sealed with
      await em.persist(row).flush();
      const secret = fields.secret ?? newWebhookSecret();
      row.secretSealed = sealed(rules.secrets, row.id, secret);
      await em.flush();
      return done({ id: row.id, secret: fields.secret == null ? secret : undefined });
    },
    () => nameTaken(name),
  );
}

/**
 * Needs the role maintainer for the webhook's name, and for a new one. From then on it is told of the repositories that the caller may read. A secret
 * that is given replaces the present one at once.
 */
export async function updateWebhook(
  operator: Operator,
  rules: RemoteRules,
  webhook: Reference,
  changes: WebhookFields,
): Promise<Outcome<WebhookResult>> {
  const { viewer } = operator;
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, Webhook, webhook);
      const newName = newNameOf(changes.name, row?.name);
      const lacking = lacksNames(viewer, row?.name, newName, webhook);
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkWebhookFields(changes, rules.addresses, row ?? undefined);
      if (row === null) mistakes.unshift(webhookNotFound(webhook));
      if (newName !== undefined && (await isNameTaken(em, 'webhook', newName)))
        mistakes.push(nameTaken(newName));
      if (row === null || mistakes.length > 0) return refused(...mistakes);
      const wasEnabled = row.enabled;
      applyFields(row, changes);
      if (typeof changes.secret === 'string')
        replaceSecret(row, sealed(rules.secrets, row.id, changes.secret));
      row.madeBy = viewer.identity;
      await em.flush();
      if (wasEnabled && !row.enabled) await failPending(em, row.id);
      return done({ id: row.id, secret: undefined });
    },
    () => nameTaken(changes.name ?? ''),
  );
}

/** Needs the role maintainer for the webhook's name. Its deliveries go with it. */
export async function deleteWebhook(operator: Operator, webhook: Reference): Promise<Outcome<undefined>> {
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, operator.viewer, Webhook, { ...webhook, notFound: webhookNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    await em.nativeDelete(Webhook, { id: owned.value.id });
    return done(undefined);
  });
}

/** Needs the role maintainer for the webhook's name. The present secret signs as well for a day. */
export async function rotateWebhookSecret(
  operator: Operator,
  secrets: SecretBox,
  webhook: Reference,
): Promise<Outcome<WebhookResult>> {
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, operator.viewer, Webhook, { ...webhook, notFound: webhookNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const secret = newWebhookSecret();
    const present = openSecret(row, secrets);
    replaceSecret(row, sealed(secrets, row.id, secret));
    if (present !== undefined) {
      row.earlierSecretSealed = secrets.encrypt(present, `webhook:${row.id}:earlier_secret`);
      row.earlierSecretUntil = new Date(Date.now() + earlierSecretHours * 3_600_000);
    }
    await em.flush();
    return done({ id: row.id, secret });
  });
}

/** The stored secret in clear text; undefined where there is none. */
export function openSecret({ id, secretSealed }: Webhook, secrets: SecretBox): string | undefined {
  return typeof secretSealed === 'string' ? secrets.decrypt(secretSealed, `webhook:${id}:secret`) : undefined;
}

function sealed(secrets: SecretBox, id: number, secret: string): string {
  return secrets.encrypt(secret, `webhook:${id}:secret`);
}

function replaceSecret(row: Webhook, secretSealed: string): void {
  row.secretSealed = secretSealed;
  row.earlierSecretSealed = null;
  row.earlierSecretUntil = null;
}

function applyFields(row: Webhook, fields: WebhookFields): void {
  const { name, url, events, repositories, format, enabled } = fields;
  if (typeof name === 'string') row.name = name;
  if (typeof url === 'string' && url !== row.url) {
    row.url = url;
    // as the endpoint before it had asked
    row.pausedUntil = null;
  }
  if (events !== undefined) row.events = [...(events ?? [])];
  if (repositories !== undefined) row.repositories = [...(repositories ?? [])];
  if (typeof format === 'string') row.format = format;
  if (typeof enabled !== 'boolean') return;
  row.enabled = enabled;
  row.disabledReason = null;
}

export function webhookNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('webhook', 'webhooks', named);
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a webhook named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}
