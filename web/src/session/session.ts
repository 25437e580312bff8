import { createContext, use } from 'react';

export interface Session {
  /** How people log in; "none": everyone may do everything. */
  readonly login: 'none' | 'tokens' | 'oidc';
  readonly caller: { readonly name: string; readonly kind: string } | null;
  readonly csrf: string | null;
  readonly oidc: { readonly url: string } | null;
  readonly temporalUiUrl: string | null;
  readonly version: string | null;
}

const noLogins: Session = {
  login: 'none',
  caller: null,
  csrf: null,
  oidc: null,
  temporalUiUrl: null,
  version: null,
};

export const SessionContext = createContext<Session>(noLogins);

export function useSession(): Session {
  return use(SessionContext);
}

/** The header that the server requires beside its cookie. */
let csrf: string | null = null;
export function csrfHeaders(): Record<string, string> {
  return csrf === null ? {} : { 'x-tidemark-csrf': csrf };
}

export async function readSession(): Promise<Session> {
  const response = await fetch('/session', { headers: { accept: 'application/json' } });
  // A server without sessions has no logins for browsers.
  if (response.status === 404) return noLogins;
  if (!response.ok) throw new Error(`GET /session was answered with ${response.status}.`);
  const session = { ...noLogins, ...((await response.json()) as Partial<Session>) };
  csrf = session.csrf;
  return session;
}

/** Answers the mistake as a sentence; undefined when the login succeeded. */
export async function logIn(token: string): Promise<string | undefined> {
  const response = await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...csrfHeaders() },
    body: JSON.stringify({ token }),
  });
  if (response.ok) return undefined;
  const body = (await response.json().catch(() => ({}))) as { errors?: { message?: string }[] };
  return body.errors?.[0]?.message ?? `The login was answered with ${response.status}. Try again.`;
}

export async function logOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE', headers: csrfHeaders() });
}
