import { areLoginsOn, noLogins } from '../../access/login-settings.ts';
import type { LoginSettings } from '../../access/login-settings.ts';
import { isLoopbackHost } from '../../api/host-guard.ts';
import type { Config } from '../../config.ts';
import { TidemarkError } from '../../oci/error.ts';

/**
 * Whether upstreams on loopback and private addresses are allowed without TIDEMARK_ALLOW_UPSTREAM: only while the server is reachable from
 * this machine only. Logins or a public URL mean that it is not, even if it listens on loopback behind a proxy.
 */
export function allowsPrivateUpstreams({
  logins,
  ...addresses
}: Addresses & Pick<Config, 'logins'>): boolean {
  const asksForLogins = logins !== undefined && areLoginsOn(logins);
  return isLoopbackHost(addresses.host) && publicAddress(addresses) === undefined && !asksForLogins;
}

type Addresses = Pick<Config, 'host' | 'publicUrl' | 'dockerHub'>;

/** The setting that says that others reach this server through a proxy. */
function publicAddress({ publicUrl, dockerHub }: Addresses): string | undefined {
  const settings = { TIDEMARK_PUBLIC_URL: publicUrl, TIDEMARK_DOCKER_HUB_URL: dockerHub.url };
  return Object.entries(settings)
    .filter(([, url]) => url !== undefined && !isLoopbackHost(new URL(url).hostname))
    .map(([name, url]) => `${name} is ${url}`)
    .at(0);
}

/**
 * The logins that the API requires: none while only this machine can reach it, unless they are configured. Behind a proxy on this machine,
 * `off` must be explicit: the proxy may have logins of its own.
 * @throws TidemarkError `CONFIG_INVALID` if others can reach the server and no logins are configured
 */
export function chooseLogins({ logins, ...addresses }: Addresses & Pick<Config, 'logins'>): LoginSettings {
  const { host } = addresses;
  const chosen = logins ?? noLogins;
  if (areLoginsOn(chosen)) return chosen;
  const proxied = logins === undefined ? publicAddress(addresses) : undefined;
  if (isLoopbackHost(host) && proxied === undefined) return chosen;
  const where = isLoopbackHost(host) ? proxied : `TIDEMARK_HOST is ${host}`;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `${where}, where others can reach the API, and TIDEMARK_AUTH is ${logins === undefined ? 'not set' : 'off'}: they could do ` +
      'everything. Set TIDEMARK_AUTH=tokens and make the first token with "tidemark token create --admin <name>", or set ' +
      'TIDEMARK_AUTH=oidc, or TIDEMARK_HOST=127.0.0.1.',
    { origin: 'caller' },
  );
}
