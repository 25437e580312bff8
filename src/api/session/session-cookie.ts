import type { IncomingHttpHeaders } from 'node:http';
import { isSessionSecret } from '../../access/sessions.ts';

/** The public URL decides about `Secure`: behind a TLS proxy, this server cannot see the scheme. */
interface CookieConfig {
  readonly publicUrl?: string | undefined;
}

interface CookieKind {
  readonly name: string;
  readonly sameSite: 'Strict' | 'Lax';
}

export const sessionCookie: CookieKind = { name: 'tidemark-session', sameSite: 'Strict' };

/** A login at the issuer that has begun. A Strict cookie would not be sent with the issuer's redirect. */
export const loginCookie: CookieKind = { name: 'tidemark-login', sameSite: 'Lax' };

/** The `Set-Cookie` header. `__Host-` (RFC 6265bis) keeps other hosts of the domain from setting the cookie. */
export function setCookie(
  kind: CookieKind,
  config: CookieConfig,
  value: string,
  maxAgeSeconds: number,
): string {
  const secure = isSecure(config) ? '; Secure' : '';
  return `${nameOf(kind, config)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${kind.sameSite}${secure}`;
}

export function clearCookie(kind: CookieKind, config: CookieConfig): string {
  return setCookie(kind, config, '', 0);
}

export function readCookie(
  kind: CookieKind,
  { cookie = '' }: IncomingHttpHeaders,
  config: CookieConfig,
): string | undefined {
  const start = `${nameOf(kind, config)}=`;
  const found = cookie.split(';').find((part) => part.trimStart().startsWith(start));
  return found?.trim().slice(start.length);
}

/** The secret of the session cookie. Other texts are treated as absent. */
export function readSessionSecret(headers: IncomingHttpHeaders, config: CookieConfig): string | undefined {
  const value = readCookie(sessionCookie, headers, config);
  return value !== undefined && isSessionSecret(value) ? value : undefined;
}

function nameOf({ name }: CookieKind, config: CookieConfig): string {
  return isSecure(config) ? `__Host-${name}` : name;
}

function isSecure({ publicUrl }: CookieConfig): boolean {
  return publicUrl !== undefined && new URL(publicUrl).protocol === 'https:';
}
