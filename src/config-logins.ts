import type { LoginSettings } from './access/login-settings.ts';
import type { OidcClientSettings } from './access/oidc.ts';
import { parseLoginKinds, parseScopes, parseSecureUrl, settingText as text } from './config-values.ts';
import type { Read } from './config-values.ts';

/** Settings of one way to log in are needed together; those of a way that is not chosen are a mistake. */
export function readLogins(
  env: NodeJS.ProcessEnv,
  read: Read,
  mistakes: string[],
): LoginSettings | undefined {
  const kinds = read('TIDEMARK_AUTH', undefined, parseLoginKinds);
  const issuer = read('TIDEMARK_OIDC_ISSUER', undefined, parseSecureUrl);
  const jwksUrl = read('TIDEMARK_OIDC_JWKS_URL', undefined, parseSecureUrl);
  const audience = text(env, 'TIDEMARK_OIDC_AUDIENCE');
  const groupsClaim = text(env, 'TIDEMARK_OIDC_GROUPS_CLAIM') ?? 'groups';
  const client = readClient(env, read, mistakes);
  const wanted = kinds?.includes('oidc') === true;
  const given = { TIDEMARK_OIDC_ISSUER: issuer, TIDEMARK_OIDC_AUDIENCE: audience };
  for (const [name, value] of Object.entries(given)) {
    if (wanted && value === undefined && text(env, name) === undefined)
      mistakes.push(`${name} is not set; TIDEMARK_AUTH=oidc needs it`);
    if (!wanted && value !== undefined) mistakes.push(`${name} is set, and TIDEMARK_AUTH does not have oidc`);
  }
  if (!wanted && client !== undefined)
    mistakes.push('TIDEMARK_OIDC_CLIENT_ID is set, and TIDEMARK_AUTH does not have oidc');
  if (kinds === undefined) return undefined;
  const oidc =
    wanted && issuer !== undefined && audience !== undefined
      ? { issuer, audience, jwksUrl, groupsClaim, client }
      : undefined;
  return { tokens: kinds.includes('tokens'), oidc };
}

/** Logins of browsers at the issuer. */
function readClient(env: NodeJS.ProcessEnv, read: Read, mistakes: string[]): OidcClientSettings | undefined {
  const clientId = text(env, 'TIDEMARK_OIDC_CLIENT_ID');
  const clientSecret = text(env, 'TIDEMARK_OIDC_CLIENT_SECRET');
  const scopes = read('TIDEMARK_OIDC_SCOPES', 'openid', parseScopes);
  if (clientId !== undefined) return { clientId, clientSecret, scopes };
  for (const name of ['TIDEMARK_OIDC_CLIENT_SECRET', 'TIDEMARK_OIDC_SCOPES'])
    if (text(env, name) !== undefined) mistakes.push(`${name} is set, and TIDEMARK_OIDC_CLIENT_ID is not`);
  return undefined;
}
