import { areLoginsOn, noLogins } from '../access/login-settings.ts';
import type { LoginSettings } from '../access/login-settings.ts';
import { isLoopbackHost } from '../api/host-guard.ts';
import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';

/**
 * Whether upstreams on loopback and private addresses are allowed without TIDEMARK_ALLOW_UPSTREAM: only while the server is reachable from
 * this machine only. Logins or a public URL mean that it is not, even if it listens on loopback behind a proxy.
 */
export function allowsPrivateUpstreams({
  host,
  publicUrl,
  logins,
}: Pick<Config, 'host' | 'publicUrl' | 'logins'>): boolean {
  const asksForLogins = logins !== undefined && areLoginsOn(logins);
  return isLoopbackHost(host) && !isPublic(publicUrl) && !asksForLogins;
}

function isPublic(publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && !isLoopbackHost(new URL(publicUrl).hostname);
}

/**
 * The logins that the API requires: none while only this machine can reach it, unless they are configured. Behind a proxy on this machine,
 * `off` must be explicit: the proxy may have logins of its own.
 * @throws TidemarkError `CONFIG_INVALID` if others can reach the server and no logins are configured
 */
export function chooseLogins({
  host,
  publicUrl,
  logins,
}: Pick<Config, 'host' | 'publicUrl' | 'logins'>): LoginSettings {
  const chosen = logins ?? noLogins;
  if (areLoginsOn(chosen)) return chosen;
  const isProxied = logins === undefined && isPublic(publicUrl);
  if (isLoopbackHost(host) && !isProxied) return chosen;
  const where = isLoopbackHost(host) ? `TIDEMARK_PUBLIC_URL is ${publicUrl}` : `TIDEMARK_HOST is ${host}`;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `${where}, where others can reach the API, and TIDEMARK_AUTH is ${logins === undefined ? 'not set' : 'off'}: they could do ` +
      'everything. Set TIDEMARK_AUTH=tokens and make the first token with "tidemark token create --admin <name>", or set ' +
      'TIDEMARK_AUTH=oidc, or TIDEMARK_HOST=127.0.0.1.',
    { origin: 'caller' },
  );
}
