import type { Fallback } from '../../db/schema/upstreams.ts';
import { registryBaseUrl, upstreamRepository } from '../../oci/hosts/registry-address.ts';
import { trimTrailingSlashes } from '../../oci/trim-ends.ts';
import { invalid } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import type { Reference } from '../operation.ts';
import { checkCertificates } from './pem.ts';
import { checkBaseUrl, checkProxyUrl, splitProxyUrl } from './urls.ts';
import type { AddressRules } from './urls.ts';

/** Another place of a remote's content. Null is the default, as undefined is. */
export interface FallbackFields {
  readonly url: string;
  readonly upstreamName?: string | null | undefined;
  readonly credential?: Reference | null | undefined;
  readonly proxyUrl?: string | null | undefined;
  readonly sslCaCertificate?: string | null | undefined;
  readonly sslValidation?: boolean | null | undefined;
}

const fallbacksAtMost = 10;

/** The fallback with `url` and `upstreamName` as requests will use them. */
export function fallbackAsUsed<Fields extends Pick<FallbackFields, 'url' | 'upstreamName'>>(
  fields: Fields,
): Fields {
  const url = registryBaseUrl(fields.url);
  if (typeof fields.upstreamName !== 'string') return { ...fields, url };
  return { ...fields, url, upstreamName: upstreamRepository(url, fields.upstreamName) };
}

/** @param checkName Checks an `upstreamName`. */
export function checkFallbacks(
  fallbacks: readonly FallbackFields[],
  rules: AddressRules,
  checkName: (name: string) => Checked,
): Checked[] {
  if (fallbacks.length > fallbacksAtMost)
    return [
      invalid(
        'fallbacks',
        `fallbacks has ${fallbacks.length} entries; at most ${fallbacksAtMost} are accepted.`,
      ),
    ];
  return fallbacks.flatMap(({ url, upstreamName, proxyUrl, sslCaCertificate }, index) =>
    [
      checkBaseUrl('url', url, rules),
      typeof upstreamName === 'string' ? checkName(upstreamName) : undefined,
      typeof proxyUrl === 'string' ? checkPlainProxy(proxyUrl, rules) : undefined,
      typeof sslCaCertificate === 'string'
        ? checkCertificates('sslCaCertificate', sslCaCertificate)
        : undefined,
    ].map((checked) => checked && ofFallback(index, checked)),
  );
}

/** Each place once: the same one again would only delay an error. */
export function checkDistinct(
  own: { readonly url: string; readonly upstreamName?: string },
  fallbacks: readonly FallbackFields[],
): Mistake[] {
  const placeOf = (url: string, name: string | null | undefined) =>
    `${trimTrailingSlashes(url)} ${name ?? own.upstreamName}`;
  const seen = new Set([placeOf(own.url, own.upstreamName)]);
  return fallbacks.flatMap(({ url, upstreamName }, index) => {
    const place = placeOf(url, upstreamName);
    if (!seen.has(place)) {
      seen.add(place);
      return [];
    }
    const message = `fallbacks[${index}] is the remote's own upstream, or an earlier fallback; expected each place once.`;
    return [invalid(['fallbacks', String(index)], message)];
  });
}

/** The mistake, with its field below that of the fallback. */
export function ofFallback(index: number, { code, field, message }: Mistake): Mistake {
  return { code, field: ['fallbacks', String(index), ...field], message: `fallbacks[${index}]: ${message}` };
}

/** Nothing secret is stored with a fallback. */
function checkPlainProxy(proxyUrl: string, rules: AddressRules): Checked {
  const checked = checkProxyUrl('proxyUrl', proxyUrl, rules);
  if (checked !== undefined || !splitProxyUrl(proxyUrl).hasCredentials) return checked;
  return invalid(
    'proxyUrl',
    'proxyUrl has a user name or password in it; expected none for a fallback. Use a proxy that asks for none.',
  );
}

/** The fields of a stored fallback, for an operation. */
export function toFallbackFields({ credentialId, ...fields }: Fallback): FallbackFields {
  if (credentialId === undefined) return fields;
  return { ...fields, credential: { key: credentialId, field: 'credentialId', text: '' } };
}

/** As it is stored, without what is the default. */
export function toStoredFallback(fields: FallbackFields, credentialId: number | undefined): Fallback {
  const { url, upstreamName, proxyUrl, sslCaCertificate, sslValidation } = fields;
  return {
    url,
    ...(typeof upstreamName === 'string' && { upstreamName }),
    ...(credentialId !== undefined && { credentialId }),
    ...(typeof proxyUrl === 'string' && { proxyUrl }),
    ...(typeof sslCaCertificate === 'string' && { sslCaCertificate }),
    ...(sslValidation === false && { sslValidation }),
  };
}

/** Whether content of a place may have been delivered that is no upstream any more. */
export function losesPlace(before: readonly Fallback[], after: readonly Fallback[]): boolean {
  return before.some(
    ({ url, upstreamName }) =>
      !after.some((other) => other.url === url && other.upstreamName === upstreamName),
  );
}
