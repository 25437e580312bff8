import type { SecretBox } from '../../access/secrets.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import type { FurtherRules } from '../../selection/tag-rules.ts';
import { withChanges } from './given-fields.ts';
import type { RemoteFields } from './remote-fields.ts';
import { plainFields } from './remote-row.ts';
import { ruleFields } from './tag-rules.ts';
import { splitProxyUrl } from './urls.ts';

/* The remotes that a mirror rule or a proxy makes: `template` has their plain fields, `secretsSealed` their secrets. */

/** The columns of a row that makes remotes. */
export interface TemplateRow {
  readonly id: number;
  readonly url: string;
  template: Readonly<Record<string, unknown>>;
  secretsSealed?: string | null | undefined;
  readonly credentialId?: number | null | undefined;
  readonly fallbacks: readonly Fallback[];
}

/** Opens and seals the secrets of the rows of a table. */
export interface TemplateSecrets {
  readonly table: 'mirror_rule' | 'proxy';
  readonly box: SecretBox;
}

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
export function applyTemplate(
  row: TemplateRow,
  input: RemoteFields,
  secrets: TemplateSecrets,
  urlBefore = row.url,
): void {
  const before = openTemplateSecrets(row, secrets);
  const isElsewhere =
    row.url !== urlBefore ||
    input.sslValidation === false ||
    destinations.some((field) => field !== 'url' && input[field] !== undefined);
  const kept = isElsewhere ? { proxyUrl: before.proxyUrl } : before;
  const given: Secrets = Object.fromEntries(secretFields.map((field) => [field, input[field]]));
  const after = withChanges<Secrets>(kept, given);
  row.template = withChanges(
    row.template,
    Object.fromEntries([
      ...templateFields.map((field) => [field, input[field]]),
      ['proxyUrl', input.proxyUrl && splitProxyUrl(input.proxyUrl).publicUrl],
    ]),
  );
  row.secretsSealed =
    Object.keys(after).length === 0
      ? null
      : secrets.box.encrypt(JSON.stringify(after), contextOf(row, secrets));
}

/** The fields of a remote that the row makes, with its secrets in clear text. */
export function templateOf(row: TemplateRow, secrets: TemplateSecrets): RemoteFields {
  return { ...(row.template as RemoteFields), ...openTemplateSecrets(row, secrets) };
}

function openTemplateSecrets(row: TemplateRow, secrets: TemplateSecrets): Secrets {
  if (typeof row.secretsSealed !== 'string') return {};
  return JSON.parse(secrets.box.decrypt(row.secretsSealed, contextOf(row, secrets))) as Secrets;
}

function contextOf({ id }: TemplateRow, { table }: TemplateSecrets): string {
  return `${table}:${id}:secrets`;
}
