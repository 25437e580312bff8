import type { SecretBox } from '../../access/secrets.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { withChanges } from './given-fields.ts';
import type { RemoteFields } from './remote-fields.ts';
import { givenRules } from './tag-rules.ts';
import { splitProxyUrl } from './urls.ts';

/** The columns that every remote of a mirror rule shares. */
export const plainFields = [
  'policy',
  'includeTags',
  'excludeTags',
  'sigstore',
  'downloadConcurrency',
  'sslCaCertificate',
  'sslClientCertificate',
  'sslValidation',
  'followLayerUrls',
  'totalTimeout',
  'connectTimeout',
  'sockReadTimeout',
  'maxRetries',
  'rateLimit',
  'bytesPerSecond',
  'syncWindows',
  'reserveRequests',
  'username',
] as const satisfies readonly (keyof Remote & keyof RemoteFields)[];

const ownFields = ['name', 'url', 'upstreamName'] as const;

/** Writes the fields that are given, without secrets. */
export function applyPlain(row: Remote, input: RemoteFields): void {
  if (input.realmHosts !== undefined) row.realmHosts = input.realmHosts ?? [];
  row.tagRules = withChanges(row.tagRules, givenRules(input));
  for (const field of [...ownFields, ...plainFields])
    if (input[field] !== undefined) Object.assign(row, { [field]: input[field] });
}

/** Encrypts the secrets that are given. The row needs its id: contexts are `remote:<id>:<column without _sealed>`. */
export function applySecrets(row: Remote, input: RemoteFields, secrets: SecretBox): void {
  const seal = (plain: string, column: string): string =>
    secrets.encrypt(plain, `remote:${row.id}:${column}`);
  const { password, sslClientKey, headers, proxyUrl } = input;
  if (password !== undefined) row.passwordSealed = password === null ? null : seal(password, 'password');
  if (sslClientKey !== undefined)
    row.sslClientKeySealed = sslClientKey === null ? null : seal(sslClientKey, 'ssl_client_key');
  if (headers !== undefined) {
    const pairs = (headers ?? []).map(({ name, value }) => [name, value] as const);
    row.headerNames = pairs.map(([name]) => name);
    row.headersSealed =
      pairs.length === 0 ? null : seal(JSON.stringify(Object.fromEntries(pairs)), 'headers');
  }
  if (proxyUrl !== undefined) {
    const split = proxyUrl === null ? undefined : splitProxyUrl(proxyUrl);
    row.proxyUrl = split?.publicUrl ?? null;
    row.proxyUrlSealed =
      proxyUrl !== null && split?.hasCredentials === true ? seal(proxyUrl, 'proxy_url') : null;
  }
}

export function dropSecrets(row: Remote): void {
  row.passwordSealed = null;
  row.sslClientKeySealed = null;
  row.headersSealed = null;
  row.headerNames = [];
}

const sealedIn = {
  password: ['passwordSealed', 'password'],
  sslClientKey: ['sslClientKeySealed', 'ssl_client_key'],
  headers: ['headersSealed', 'headers'],
  proxyUrl: ['proxyUrlSealed', 'proxy_url'],
} as const;

/** A stored secret in clear text; undefined where there is none. */
export function openSecret(
  row: Remote | null,
  field: keyof typeof sealedIn,
  secrets: SecretBox,
): string | undefined {
  const [sealedField, column] = sealedIn[field];
  const sealed = row?.[sealedField];
  return typeof sealed === 'string' ? secrets.decrypt(sealed, `remote:${row?.id}:${column}`) : undefined;
}
