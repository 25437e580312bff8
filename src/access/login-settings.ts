import type { OidcSettings } from './oidc.ts';

/** Logins in force. With neither, logins are off: everybody who reaches the server may do everything. */
export interface LoginSettings {
  readonly tokens: boolean;
  readonly oidc: OidcSettings | undefined;
}

export const noLogins: LoginSettings = { tokens: false, oidc: undefined };

export function areLoginsOn({ tokens, oidc }: LoginSettings): boolean {
  return tokens || oidc !== undefined;
}
