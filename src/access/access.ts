import { decodeJwt } from 'jose';
import { readLiveToken, readSubjectGrants } from '../db/access/access-tokens.ts';
import type { LiveToken } from '../db/access/access-tokens.ts';
import type { Database } from '../db/open-database.ts';
import { isTidemarkError } from '../oci/error.ts';
import { parseAuthorization, unauthenticated } from './credentials.ts';
import type { Presented } from './credentials.ts';
import { createOidcLogin } from './oidc-login.ts';
import type { OidcLogin } from './oidc-login.ts';
import { createOidcVerifier } from './oidc.ts';
import type { OidcSettings, Subject } from './oidc.ts';
import { createRegistryTokens, isRegistryToken } from './registry-token.ts';
import type { IssuedToken, RegistryHolder, RepositoryScope } from './registry-token.ts';
import type { SecretBox } from './secrets.ts';
import { createSessions, sessionEnded } from './sessions.ts';
import type { OpenedSession } from './sessions.ts';
import { hashToken, isTokenText } from './token.ts';
import { anonymous, everybody } from './viewer.ts';
import type { Viewer } from './viewer.ts';

/** Logins in force. With neither, logins are off: everybody who reaches the server may do everything. */
export interface LoginSettings {
  readonly tokens: boolean;
  readonly oidc: OidcSettings | undefined;
}

export const noLogins: LoginSettings = { tokens: false, oidc: undefined };

/** The caller of a request to `/v2/`. */
export interface RegistryViewer {
  readonly viewer: Viewer;
  /** The rights to which the client's registry token is narrowed; undefined without such a token. */
  readonly scopes: readonly RepositoryScope[] | undefined;
}

/** Authenticates callers. */
export interface Access {
  /** False: logins are off. */
  readonly isOn: boolean;
  /**
   * The caller of a request to the API, by its `Authorization` header or its session.
   * @throws TidemarkError `UNAUTHENTICATED` for invalid credentials; `OIDC_UNAVAILABLE`.
   */
  identify(presented: Presented): Promise<Viewer>;
  /** The same for `/v2/`, which accepts registry tokens too, and no sessions. */
  identifyClient(authorization: string | undefined): Promise<RegistryViewer>;
  /** Issues a registry token for the caller, with the scopes that `narrow` returns. */
  issue(
    authorization: string | undefined,
    narrow: (viewer: Viewer) => Promise<readonly RepositoryScope[]>,
  ): Promise<IssuedToken>;
  /** Opens a session for the holder of a token. @throws TidemarkError as `identify`. */
  openSession(token: string): Promise<OpenedSession>;
  /** Opens a session for a subject that has logged in at the issuer. */
  openSubjectSession(subject: Omit<Subject, 'expiresAt'>): Promise<OpenedSession>;
  /** Logins of browsers at the issuer; undefined: not configured. */
  readonly oidcLogin: OidcLogin | undefined;
  /** Whether tokens of ours are accepted. */
  readonly hasTokens: boolean;
  /** Idempotent. */
  endSession(secret: string): Promise<void>;
}

interface Identity {
  readonly viewer: Viewer;
  readonly holder: RegistryHolder;
}

const nobody: Identity = { viewer: anonymous, holder: { kind: 'anonymous' } };

export interface AccessOptions {
  readonly database: Database;
  readonly secrets: SecretBox;
  readonly logins: LoginSettings;
}

export function createAccess({ database, secrets, logins }: AccessOptions): Access {
  const isOn = logins.tokens || logins.oidc !== undefined;
  const oidc = logins.oidc === undefined ? undefined : createOidcVerifier(logins.oidc);
  const registryTokens = createRegistryTokens(secrets);
  const sessions = createSessions(database);

  async function liveToken(key: { readonly hash: Buffer } | { readonly id: number }): Promise<Identity> {
    const token = logins.tokens ? await readLiveToken(database.em.fork(), key) : undefined;
    if (token !== undefined) return { viewer: toViewer(token), holder: { kind: 'token', id: token.id } };
    throw unauthenticated('was refused: its token is unknown, revoked or expired');
  }

  async function subjectOf({ subject, groups, expiresAt }: Subject): Promise<Identity> {
    const grants = await readSubjectGrants(database.em.fork(), subject, groups);
    return {
      viewer: toSubjectViewer({ subject, groups, grants, expiresAt }),
      holder: { kind: 'subject', subject, groups },
    };
  }

  async function identityOf(secret: string): Promise<Identity> {
    if (isTokenText(secret)) return liveToken({ hash: hashToken(secret) });
    if (oidc === undefined) throw unauthenticated('was refused: its token is unknown, revoked or expired');
    return subjectOf(await oidc.verify(secret));
  }

  async function identifyHeader(authorization: string | undefined): Promise<Identity> {
    const credentials = parseAuthorization(authorization);
    return credentials.scheme === 'none' ? nobody : identityOf(credentials.secret);
  }

  function holderIdentity(holder: RegistryHolder, expiresAt: Date): Promise<Identity> | Identity {
    switch (holder.kind) {
      case 'anonymous':
        return nobody;
      case 'token':
        return liveToken({ id: holder.id });
      case 'subject':
        if (oidc === undefined) throw unauthenticated('was refused: OIDC is off');
        return subjectOf({ ...holder, expiresAt });
    }
  }

  async function identifySession(secret: string): Promise<Viewer> {
    const { holder, expiresAt } = await sessions.find(secret);
    try {
      const { viewer } = await holderIdentity(holder, expiresAt);
      return { ...viewer, expiresAt };
    } catch (error) {
      throw isTidemarkError(error) && error.code === 'UNAUTHENTICATED' ? sessionEnded(error) : error;
    }
  }

  return {
    isOn,
    hasTokens: logins.tokens,
    oidcLogin:
      logins.oidc?.client === undefined
        ? undefined
        : createOidcLogin(logins.oidc, logins.oidc.client, secrets),
    async identify({ authorization, session }) {
      if (!isOn) return everybody;
      if (authorization === undefined && session !== undefined) return identifySession(session);
      return (await identifyHeader(authorization)).viewer;
    },
    async identifyClient(authorization) {
      if (!isOn) return { viewer: everybody, scopes: undefined };
      const credentials = parseAuthorization(authorization);
      if (credentials.scheme === 'bearer' && isOurs(credentials.secret)) {
        const { holder, scopes, expiresAt } = await registryTokens.verify(credentials.secret);
        return { viewer: (await holderIdentity(holder, expiresAt)).viewer, scopes };
      }
      return { viewer: (await identifyHeader(authorization)).viewer, scopes: undefined };
    },
    async issue(authorization, narrow) {
      const { viewer, holder } = await identifyHeader(authorization);
      return registryTokens.issue({ holder, scopes: await narrow(viewer) }, viewer.expiresAt);
    },
    async openSession(token) {
      const { viewer, holder } = await identityOf(token);
      if (holder.kind === 'anonymous') throw unauthenticated('is missing');
      return sessions.open(holder, viewer.expiresAt);
    },
    openSubjectSession: ({ subject, groups }) =>
      sessions.open({ kind: 'subject', subject, groups }, undefined),
    endSession: (secret) => sessions.end(secret),
  };
}

/** The viewer of a valid token. */
export function toViewer({ id, name, grants, expiresAt }: LiveToken): Viewer {
  return { kind: 'token', name, grants, expiresAt, identity: { kind: 'token', id } };
}

function toSubjectViewer({
  subject,
  groups,
  grants,
  expiresAt,
}: Omit<Subject, 'expiresAt'> & Pick<Viewer, 'grants' | 'expiresAt'>): Viewer {
  return {
    kind: 'subject',
    name: subject,
    grants,
    expiresAt,
    identity: { kind: 'subject', subject, groups },
  };
}

function isOurs(secret: string): boolean {
  if (isTokenText(secret)) return false;
  try {
    return isRegistryToken(decodeJwt(secret));
  } catch {
    return false;
  }
}
