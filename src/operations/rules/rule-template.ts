import type { SecretBox } from '../../access/secrets.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import type { FurtherRules } from '../../selection/tag-rules.ts';
import { withChanges } from '../remotes/given-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import { plainFields } from '../remotes/remote-row.ts';
import { ruleFields } from '../remotes/tag-rules.ts';
import { splitProxyUrl } from '../remotes/urls.ts';
import type { RuleFields } from './rule-fields.ts';

/* The remotes that a rule makes: `template` has their plain fields, `secretsSealed` their secrets. */

const templateFields = [
  ...plainFields,
  ...ruleFields,
  'realmHosts',
] as const satisfies readonly (keyof RemoteFields)[];

/** What `template` has: null and absent are the same. The proxy is without its credentials. */
export type TemplateFields = FurtherRules & Pick<RemoteFields, PlainTemplateField | 'proxyUrl'>;

type PlainTemplateField = Exclude<(typeof templateFields)[number], keyof FurtherRules>;

/** Never shown. */
const secretFields = [
  'password',
  'sslClientKey',
  'headers',
  'proxyUrl',
] as const satisfies readonly (keyof RemoteFields)[];

/** Where the secrets go. Another value of these deletes the stored ones, unless they are given again. */
const destinations = ['url', 'proxyUrl', 'sslCaCertificate'] as const;

type Secrets = Pick<RemoteFields, (typeof secretFields)[number]>;

/** Writes the fields of the remotes that are given. The row needs its id, which is part of the encryption context. */
export function applyTemplate(row: MirrorRule, input: RuleFields, box: SecretBox, urlBefore = row.url): void {
  const before = openTemplateSecrets(row, box);
  const isElsewhere =
    row.url !== urlBefore ||
    input.sslValidation === false ||
    destinations.some((field) => field !== 'url' && input[field] !== undefined);
  const kept = isElsewhere ? { proxyUrl: before.proxyUrl } : before;
  const given: Secrets = Object.fromEntries(secretFields.map((field) => [field, input[field]]));
  const secrets = withChanges<Secrets>(kept, given);
  row.template = withChanges(
    row.template,
    Object.fromEntries([
      ...templateFields.map((field) => [field, input[field]]),
      ['proxyUrl', input.proxyUrl && splitProxyUrl(input.proxyUrl).publicUrl],
    ]),
  );
  row.secretsSealed =
    Object.keys(secrets).length === 0 ? null : box.encrypt(JSON.stringify(secrets), contextOf(row));
}

/** The fields of a remote that the rule makes, with its secrets in clear text. */
export function templateOf(row: MirrorRule, box: SecretBox): RemoteFields {
  return { ...(row.template as RemoteFields), ...openTemplateSecrets(row, box) };
}

function openTemplateSecrets(row: MirrorRule, box: SecretBox): Secrets {
  if (typeof row.secretsSealed !== 'string') return {};
  return JSON.parse(box.decrypt(row.secretsSealed, contextOf(row))) as Secrets;
}

function contextOf({ id }: MirrorRule): string {
  return `mirror_rule:${id}:secrets`;
}
