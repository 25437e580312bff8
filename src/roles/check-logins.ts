import type { LoginSettings } from '../access/access.ts';
import { isLoopbackHost } from '../api/host-guard.ts';
import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';

/**
 * The logins that the API asks for: none while only this machine can reach it, unless they are set. Where a proxy on this machine serves
 * others, `off` has to be said: the proxy may ask for logins of its own.
 * @throws TidemarkError `CONFIG_INVALID` where others can reach it and none are
 */
export function chooseLogins({
  host,
  publicUrl,
  logins,
}: Pick<Config, 'host' | 'publicUrl' | 'logins'>): LoginSettings {
  const chosen = logins ?? { tokens: false, oidc: undefined };
  if (chosen.tokens || chosen.oidc !== undefined) return chosen;
  const isProxied =
    logins === undefined && publicUrl !== undefined && !isLoopbackHost(new URL(publicUrl).hostname);
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
