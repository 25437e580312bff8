import { credentialKindRules, keepsHosts, kindFields } from '../../access/credentials/kinds.ts';
import type { KindField } from '../../access/credentials/kinds.ts';
import type { Credential, CredentialKind } from '../../db/schema/credentials.ts';
import { quoteValue } from '../../oci/error.ts';
import { checkName, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import { checkPassword, checkUsername } from '../remotes/credentials.ts';

/** In an update, undefined keeps a field and null clears it. Secrets are in clear text. */
export interface CredentialFields {
  readonly name?: string | null | undefined;
  readonly hosts?: readonly string[] | null | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly configFile?: string | null | undefined;
  readonly helper?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly roleArn?: string | null | undefined;
  readonly serviceAccountKey?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/** The fields whose texts follow a pattern. */
const patterns: Readonly<
  Partial<Record<KindField, { readonly pattern: RegExp; readonly expected: string }>>
> = {
  configFile: {
    // each part begins with a letter, a digit or _, or with one dot
    pattern: /^\.?[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:\/\.?[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,7}$/,
    expected: 'a path inside the folder of config files, e.g. config.json or team/config.json',
  },
  helper: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    expected: 'the name of a helper without docker-credential-, e.g. ecr-login',
  },
  region: {
    pattern: /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}$/,
    expected: 'a region of AWS, e.g. eu-central-1',
  },
  roleArn: {
    pattern: /^arn:aws[a-z-]{0,20}:iam::[0-9]{12}:role\/[A-Za-z0-9+=,.@_/-]{1,512}$/,
    expected: 'the ARN of a role, e.g. arn:aws:iam::123456789012:role/pull',
  },
  clientId: {
    pattern: /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/,
    expected: 'the client id of a managed identity, a UUID',
  },
};

/** Every mistake in the values that were given, and in what the kind lacks after the change. */
export function checkCredentialFields(
  kind: CredentialKind,
  fields: CredentialFields,
  current?: Credential,
): Mistake[] {
  const checks: Checked[] = [notNull('name', fields.name)];
  if (typeof fields.name === 'string') checks.push(checkName('name', fields.name));
  if (fields.hosts !== null && fields.hosts !== undefined) checks.push(...checkHosts(fields.hosts));
  checks.push(checkWidened(fields, current));
  const { required, optional } = credentialKindRules[kind];
  for (const field of kindFields) {
    const value = fields[field];
    if (required.includes(field)) checks.push(checkRequired(kind, field, value, current));
    else if (!optional.includes(field) && value !== null && value !== undefined)
      checks.push(invalid(field, `${field} is not a field of the kind ${kind}; omit it.`));
    if (typeof value === 'string') checks.push(checkValue(field, value));
  }
  return checks.flatMap((found) => found ?? []);
}

/** A secret belongs to the hosts it was given for, and to those who know it. */
function checkWidened(fields: CredentialFields, current: Credential | undefined): Checked {
  const { hosts } = fields;
  if (hosts === undefined || typeof current?.secretSealed !== 'string') return undefined;
  if (typeof (fields.password ?? fields.serviceAccountKey) === 'string') return undefined;
  if (keepsHosts(current, hosts)) return undefined;
  return invalid(
    'hosts',
    'hosts would let further hosts receive the stored secret; give the secret again in the same update.',
  );
}

function checkRequired(
  kind: CredentialKind,
  field: KindField,
  value: string | null | undefined,
  current: Credential | undefined,
): Checked {
  if (typeof value === 'string' || (value === undefined && current !== undefined)) return undefined;
  return invalid(field, `${field} is missing; the kind ${kind} requires it.`);
}

function checkValue(field: KindField, value: string): Checked {
  if (field === 'username') return checkUsername(value);
  if (field === 'password') return checkPassword(value);
  if (field === 'serviceAccountKey') return checkServiceAccountKey(value);
  const rule = patterns[field];
  if (rule === undefined || rule.pattern.test(value)) return undefined;
  return invalid(field, `${field} is ${quoteValue(value)}; expected ${rule.expected}.`);
}

/** Other types of key files name programs and addresses to get a token from, so they are refused. */
function checkServiceAccountKey(text: string): Checked {
  const key = parseObject(text);
  const isKey =
    key?.['type'] === 'service_account' &&
    ['client_email', 'private_key'].every((field) => typeof key[field] === 'string');
  if (isKey && text.length <= 16_384) return undefined;
  // The text is a secret, so it is not repeated.
  return invalid(
    'serviceAccountKey',
    'serviceAccountKey is not a key of a service account; expected the JSON file of Google, with type service_account, client_email and ' +
      'private_key, at most 16384 characters.',
  );
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const hostsAtMost = 100;

function checkHosts(hosts: readonly string[]): Checked[] {
  if (hosts.length === 0)
    return [
      invalid('hosts', 'hosts is empty; name at least one host, or give null for the default of the kind.'),
    ];
  if (hosts.length > hostsAtMost)
    return [invalid('hosts', `hosts has ${hosts.length} entries; at most ${hostsAtMost} are accepted.`)];
  return hosts.map((host, index) => {
    if (host.length <= 260 && /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?$/.test(host)) {
      if (!(host.startsWith('*.') && host.includes(':'))) return undefined;
    }
    return invalid(
      ['hosts', String(index)],
      `hosts[${index}] is ${quoteValue(host)}; expected a host in lower case, e.g. registry.example.com, registry.example.com:5000 or ` +
        '*.example.com.',
    );
  });
}
