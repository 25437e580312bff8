import type { LoginSettings } from '../access/access.ts';
import { isLoopbackHost } from '../api/host-guard.ts';
import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';

/**
 * The logins that the API asks for: none while only this machine can reach it, unless they are set.
 * @throws TidemarkError `CONFIG_INVALID` where others can reach it and none are
 */
export function chooseLogins({ host, logins }: Pick<Config, 'host' | 'logins'>): LoginSettings {
  const chosen = logins ?? { tokens: false, oidc: undefined };
  if (isLoopbackHost(host) || chosen.tokens || chosen.oidc !== undefined) return chosen;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `TIDEMARK_HOST is ${host}, where others can reach the API, and TIDEMARK_AUTH is ${logins === undefined ? 'not set' : 'off'}: they could do ` +
      'everything. Set TIDEMARK_AUTH=tokens and make the first token with "tidemark token create --admin <name>", or set ' +
      'TIDEMARK_AUTH=oidc, or TIDEMARK_HOST=127.0.0.1.',
    { origin: 'caller' },
  );
}
