import type { Remote, RemotePolicy } from '../../db/schema/remotes.ts';
import { quoteValue } from '../../oci/error.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { registryBaseUrl, upstreamRepository } from '../../oci/hosts/registry-address.ts';
import { ruleLists } from '../../selection/rule-mistakes.ts';
import { checkInteger, checkName, checkSeconds, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import { checkBytesPerSecond, checkSyncWindows } from './budgets.ts';
import { checkHeaders, checkPassword, checkRealmHosts, checkUsername } from './credentials.ts';
import type { Header } from './credentials.ts';
import { checkFallbacks, fallbackAsUsed } from './fallbacks.ts';
import type { FallbackFields } from './fallbacks.ts';
import { keysOf } from './given-fields.ts';
import { checkCertificates, checkClientPair, keyFits, storedKey } from './pem.ts';
import { checkMinimumAge, checkNewest, checkPlatforms, checkRuleList, checkSuffix } from './tag-rules.ts';
import type { TagRuleFields } from './tag-rules.ts';
import { checkBaseUrl, checkProxyUrl, splitProxyUrl } from './urls.ts';
import type { AddressRules } from './urls.ts';

/** In an update, undefined keeps a field and null clears it. Secrets are in clear text. */
export interface RemoteFields extends TagRuleFields {
  readonly name?: string | null | undefined;
  readonly url?: string | null | undefined;
  readonly upstreamName?: string | null | undefined;
  readonly policy?: RemotePolicy | null | undefined;
  readonly includeTags?: string[] | null | undefined;
  readonly excludeTags?: string[] | null | undefined;
  readonly sigstore?: string | null | undefined;
  readonly downloadConcurrency?: number | null | undefined;
  readonly proxyUrl?: string | null | undefined;
  readonly sslCaCertificate?: string | null | undefined;
  readonly sslClientCertificate?: string | null | undefined;
  readonly sslClientKey?: string | null | undefined;
  readonly sslValidation?: boolean | null | undefined;
  readonly followLayerUrls?: boolean | null | undefined;
  readonly totalTimeout?: number | null | undefined;
  readonly connectTimeout?: number | null | undefined;
  readonly sockReadTimeout?: number | null | undefined;
  readonly maxRetries?: number | null | undefined;
  readonly rateLimit?: number | null | undefined;
  readonly bytesPerSecond?: string | null | undefined;
  readonly syncWindows?: string[] | null | undefined;
  readonly reserveRequests?: number | null | undefined;
  readonly headers?: readonly Header[] | null | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly realmHosts?: string[] | null | undefined;
  readonly fallbacks?: readonly FallbackFields[] | null | undefined;
}

/** The fields with `url` and `upstreamName` as requests will use them, also those of fallbacks. Another url alone leaves the name as it is. */
export function asUsed<Fields extends RemoteFields>(fields: Fields, currentUrl = ''): Fields {
  const url = typeof fields.url === 'string' ? registryBaseUrl(fields.url) : currentUrl;
  return {
    ...fields,
    ...(typeof fields.url === 'string' ? { url } : {}),
    ...(typeof fields.upstreamName === 'string'
      ? { upstreamName: upstreamRepository(url, fields.upstreamName) }
      : {}),
    ...(fields.fallbacks && { fallbacks: fields.fallbacks.map(fallbackAsUsed) }),
  };
}

/** The fields that always have a value, with what they are where none is given. */
export const remoteDefaults = {
  policy: 'IMMEDIATE',
  downloadConcurrency: 20,
  maxRetries: 3,
  sslValidation: true,
  followLayerUrls: false,
} as const satisfies RemoteFields;

const required: readonly (keyof RemoteFields)[] = ['name', 'url', 'upstreamName', ...keysOf(remoteDefaults)];

/** Every mistake in the values that were given; omitted ones are not looked at. */
export function checkRemoteFields(input: RemoteFields, rules: AddressRules): Mistake[] {
  const checks: Checked[] = required.map((field) => notNull(field, input[field]));
  const on = <Value>(value: Value | null | undefined, check: (value: Value) => Checked | Checked[]): void => {
    if (value !== null && value !== undefined) checks.push(...[check(value)].flat());
  };
  on(input.name, (name) => checkName('name', name));
  on(input.url, (url) => checkBaseUrl('url', url, rules));
  on(input.upstreamName, checkUpstreamName);
  for (const field of ruleLists) on(input[field], (entries) => checkRuleList(field, entries));
  on(input.semverSuffix, checkSuffix);
  on(input.newestTags, checkNewest);
  on(input.minimumAgeSeconds, checkMinimumAge);
  on(input.platforms, checkPlatforms);
  on(input.sigstore, (url) => checkBaseUrl('sigstore', url, rules));
  on(input.downloadConcurrency, (count) => checkInteger('downloadConcurrency', count, [1, 100]));
  on(input.proxyUrl, (url) => checkProxyUrl('proxyUrl', url, rules));
  on(input.sslCaCertificate, (pem) => checkCertificates('sslCaCertificate', pem));
  on(input.sslClientCertificate, (pem) => checkCertificates('sslClientCertificate', pem));
  on(input.totalTimeout, (seconds) => checkSeconds('totalTimeout', seconds, 604_800));
  on(input.connectTimeout, (seconds) => checkSeconds('connectTimeout', seconds, 3_600));
  on(input.sockReadTimeout, (seconds) => checkSeconds('sockReadTimeout', seconds, 3_600));
  on(input.maxRetries, (count) => checkInteger('maxRetries', count, [0, 10]));
  on(input.bytesPerSecond, checkBytesPerSecond);
  on(input.syncWindows, checkSyncWindows);
  on(input.reserveRequests, (count) => checkInteger('reserveRequests', count, [1, 1_000_000]));
  on(input.rateLimit, (count) => checkInteger('rateLimit', count, [1, 1_000_000]));
  on(input.headers, checkHeaders);
  on(input.username, checkUsername);
  on(input.realmHosts, checkRealmHosts);
  on(input.fallbacks, (fallbacks) => checkFallbacks(fallbacks, rules, checkUpstreamName));
  on(input.password, (password) => checkPassword(password));
  return checks.flatMap((found) => found ?? []);
}

/**
 * Certificate and key together, as they will be after the change.
 * @param openKey Opens the stored key, to see whether it fits another certificate.
 */
export function checkClientCertificate(
  input: RemoteFields,
  current: Remote | undefined,
  openKey: () => string | undefined,
): Mistake[] {
  const certificate =
    input.sslClientCertificate === undefined ? current?.sslClientCertificate : input.sslClientCertificate;
  const keptKey =
    keepsSecrets(input, current) && typeof current?.sslClientKeySealed === 'string' ? storedKey : null;
  const key = input.sslClientKey === undefined ? keptKey : input.sslClientKey;
  if (current !== undefined && input.sslClientCertificate === undefined && input.sslClientKey === undefined) {
    // dropped with a changed url: the certificate alone stays, and is said to be of no use
    if (typeof certificate === 'string' && key === null)
      return [
        invalid(
          'sslClientKey',
          'A change of url, proxyUrl, sslCaCertificate or sslValidation deletes the stored sslClientKey; give it again in the same update, or clear sslClientCertificate.',
        ),
      ];
    return [];
  }
  const mistakes = checkClientPair(certificate ?? null, key);
  const isOtherCertificate = typeof input.sslClientCertificate === 'string' && key === storedKey;
  if (isOtherCertificate && !checkCertificates('sslClientCertificate', input.sslClientCertificate ?? '')) {
    const stored = openKey();
    if (stored === undefined || !keyFits(input.sslClientCertificate ?? '', stored))
      mistakes.push(
        invalid(
          'sslClientCertificate',
          'sslClientCertificate does not match the stored key; give its sslClientKey in the same update.',
        ),
      );
  }
  return mistakes.flatMap((found) => found ?? []);
}

const isOther = (value: string | null | undefined, before: string | null | undefined): boolean =>
  typeof value === 'string' && value !== before;

/**
 * Credentials belong to the host they were given for, and to those who know them: another url drops them, and so does all that would let
 * somebody between us and the host read them.
 */
export function keepsSecrets(input: RemoteFields, current: Remote | undefined): boolean {
  const { url, proxyUrl, sslCaCertificate, sslValidation } = input;
  return !(
    isOther(url, current?.url) ||
    isOther(typeof proxyUrl === 'string' ? publicProxyUrl(proxyUrl) : proxyUrl, current?.proxyUrl) ||
    isOther(sslCaCertificate, current?.sslCaCertificate) ||
    (sslValidation === false && current?.sslValidation !== false)
  );
}

/** One that cannot be read is a mistake of its own. */
function publicProxyUrl(value: string): string {
  return URL.canParse(value) ? splitProxyUrl(value).publicUrl : value;
}

function checkUpstreamName(value: string): Checked {
  if (isRepositoryName(value)) return undefined;
  const hint = value.includes('://') || value.includes(':') ? ' Leave scheme, host and tag out.' : '';
  return invalid(
    'upstreamName',
    `upstreamName is ${quoteValue(value)}; expected parts of lower-case letters and digits, joined by . _ __ or -, with / between them, ` +
      `at most 255 characters.${hint}`,
  );
}
