import { readLiveToken, readSubjectGrants } from '../db/access/access-tokens.ts';
import type { LiveToken } from '../db/access/access-tokens.ts';
import type { Database } from '../db/open-database.ts';
import { parseAuthorization, unauthenticated } from './credentials.ts';
import type { LoginSettings } from './login-settings.ts';
import { createOidcVerifier } from './oidc.ts';
import type { Subject } from './oidc.ts';
import type { RegistryHolder } from './registry-token.ts';
import { hashToken, isTokenText } from './token.ts';
import { anonymous } from './viewer.ts';
import type { Viewer } from './viewer.ts';

/** A caller, and the holder that sessions and registry tokens store for them. */
export interface Identity {
  readonly viewer: Viewer;
  readonly holder: RegistryHolder;
}

/** Finds callers, with their present grants. Each throws TidemarkError `UNAUTHENTICATED`, or `OIDC_UNAVAILABLE`. */
export interface Identities {
  /** By a token of ours, or of the issuer. */
  ofSecret(secret: string): Promise<Identity>;
  /** By an `Authorization` header. Without one the caller is anonymous. */
  ofHeader(authorization: string | undefined): Promise<Identity>;
  /** By the holder of a session or a registry token. */
  ofHolder(holder: RegistryHolder, expiresAt: Date): Promise<Identity>;
}

const nobody: Identity = { viewer: anonymous, holder: { kind: 'anonymous' } };

export function createIdentities(database: Database, logins: LoginSettings): Identities {
  const oidc = logins.oidc === undefined ? undefined : createOidcVerifier(logins.oidc);

  async function ofToken(key: { readonly hash: Buffer } | { readonly id: number }): Promise<Identity> {
    const token = logins.tokens ? await readLiveToken(database.em.fork(), key) : undefined;
    if (token !== undefined) return { viewer: toViewer(token), holder: { kind: 'token', id: token.id } };
    throw unauthenticated('was refused: its token is unknown, revoked or expired');
  }

  async function ofSubject({ subject, groups, expiresAt }: Subject): Promise<Identity> {
    const grants = await readSubjectGrants(database.em.fork(), subject, groups);
    const holder = { kind: 'subject', subject, groups } as const;
    return { viewer: { kind: 'subject', name: subject, grants, expiresAt, identity: holder }, holder };
  }

  async function ofSecret(secret: string): Promise<Identity> {
    if (isTokenText(secret)) return ofToken({ hash: hashToken(secret) });
    if (oidc === undefined) throw unauthenticated('was refused: its token is unknown, revoked or expired');
    return ofSubject(await oidc.verify(secret));
  }

  return {
    ofSecret,
    async ofHeader(authorization) {
      const credentials = parseAuthorization(authorization);
      return credentials.scheme === 'none' ? nobody : ofSecret(credentials.secret);
    },
    async ofHolder(holder, expiresAt) {
      switch (holder.kind) {
        case 'anonymous':
          return nobody;
        case 'token':
          return ofToken({ id: holder.id });
        case 'subject':
          if (oidc === undefined) throw unauthenticated('was refused: OIDC is off');
          return ofSubject({ ...holder, expiresAt });
      }
    },
  };
}

/** The viewer of a valid token. */
export function toViewer({ id, name, grants, expiresAt }: LiveToken): Viewer {
  return { kind: 'token', name, grants, expiresAt, identity: { kind: 'token', id } };
}
