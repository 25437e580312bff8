import { isIP } from 'node:net';
import { bareHost, classifyAddress } from '../../oci/hosts/address.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';

/**
 * Suffixes of two and more labels under which anyone may register a name. A missing suffix would count as one owner's domain, so the list has
 * common country suffixes and the hosting platforms of registries.
 */
const sharedSuffixes = new Set(
  (
    'ac.uk co.uk gov.uk org.uk co.jp ne.jp or.jp co.kr or.kr co.in co.nz co.za com.au net.au org.au com.br com.cn net.cn ' +
    'org.cn com.hk com.mx com.sg com.tr com.tw com.ua co.il com.ar com.my co.id co.th ' +
    'azurecr.io github.io gitlab.io amazonaws.com cloudfront.net azurewebsites.net azurefd.net run.app appspot.com ' +
    'web.app pages.dev workers.dev netlify.app vercel.app herokuapp.com fly.dev onrender.com ngrok.io ngrok.app ' +
    'pkg.dev jfrog.io ts.net duckdns.org nip.io sslip.io blob.core.windows.net'
  ).split(' '),
);

/** Which realms may get a token request. */
export interface RealmRules {
  /** The registry's own base URL. */
  readonly registry: URL;
  /** Further allowed hosts of the remote. */
  readonly realmHosts: readonly string[];
  /** Whether realms may be on loopback and private addresses: only if the registry is. */
  readonly allowPrivate: boolean;
  readonly classify?: typeof classifyAddress;
}

/** Checks and parses a realm (faults 13 and 14). @throws TidemarkError `UPSTREAM_REALM_REFUSED` */
export function checkRealm(realm: string, rules: RealmRules): URL {
  const { registry } = rules;
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined) throw refusal(quoteValue(realm), 'it is not an absolute URL', registry);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refusal(quoteValue(url.protocol), 'only https and http are allowed', registry);
  if (url.username !== '' || url.password !== '')
    throw refusal(url.host, 'a realm must not contain credentials', registry);
  if (registry.protocol === 'https:' && url.protocol === 'http:')
    throw refusal(url.host, 'the registry uses https, its realm unencrypted http', registry);
  const host = bareHost(url.hostname);
  const addressClass = isIP(host) === 0 ? localNameClass(host) : (rules.classify ?? classifyAddress)(host);
  if (addressClass === 'refused')
    throw refusal(url.host, 'connections to this address are never allowed', registry);
  if (addressClass === 'private' && !rules.allowPrivate)
    throw refusal(url.host, 'it is a loopback or private address, but the registry is not on one', registry);
  if (!sameRegistrableDomain(registry.hostname, url.hostname) && !rules.realmHosts.includes(url.hostname))
    throw refusal(
      url.host,
      `its domain differs from ${registry.hostname}; to allow it, add ${url.hostname} to the realmHosts of the remote`,
      registry,
    );
  return url;
}

/** Whether two hosts belong to one owner: the same IP address, the same name, or the same registrable domain. */
export function sameRegistrableDomain(left: string, right: string): boolean {
  if (left === right) return true;
  if (isIP(bareHost(left)) !== 0 || isIP(bareHost(right)) !== 0) return false;
  const domain = registrableDomain(left);
  return domain !== undefined && domain === registrableDomain(right);
}

function registrableDomain(host: string): string | undefined {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.');
  const longest = [4, 3, 2].find((count) => sharedSuffixes.has(labels.slice(-count).join('.'))) ?? 1;
  return labels.length > longest ? labels.slice(-longest - 1).join('.') : undefined;
}

function localNameClass(host: string): 'private' | 'public' {
  return host === 'localhost' || host.endsWith('.localhost') ? 'private' : 'public';
}

function refusal(where: string, reason: string, registry: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_REALM_REFUSED',
    `The registry ${registry.host} names ${where} as its token realm. It was refused, and nothing was sent there: ${reason}.`,
  );
}
