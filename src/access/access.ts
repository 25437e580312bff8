import { decodeJwt } from 'jose';
import type { Database } from '../db/open-database.ts';
import { isTidemarkError } from '../oci/error.ts';
import { parseAuthorization, unauthenticated } from './credentials.ts';
import type { Presented } from './credentials.ts';
import { createIdentities } from './identities.ts';
import { areLoginsOn } from './login-settings.ts';
import type { LoginSettings } from './login-settings.ts';
import { createOidcLogin } from './oidc-login.ts';
import type { OidcLogin } from './oidc-login.ts';
import type { Subject } from './oidc.ts';
import { createRegistryTokens, isRegistryToken } from './registry-token.ts';
import type { IssuedToken, RepositoryScope } from './registry-token.ts';
import type { SecretBox } from './secrets.ts';
import { createSessions, sessionEnded } from './sessions.ts';
import type { OpenedSession } from './sessions.ts';
import { isTokenText } from './token.ts';
import { everybody } from './viewer.ts';
import type { Viewer } from './viewer.ts';

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

export interface AccessOptions {
  readonly database: Database;
  readonly secrets: SecretBox;
  readonly logins: LoginSettings;
}

export function createAccess({ database, secrets, logins }: AccessOptions): Access {
  const isOn = areLoginsOn(logins);
  const identities = createIdentities(database, logins);
  const registryTokens = createRegistryTokens(secrets);
  const sessions = createSessions(database);

  async function identifySession(secret: string): Promise<Viewer> {
    const { holder, expiresAt } = await sessions.find(secret);
    try {
      const { viewer } = await identities.ofHolder(holder, expiresAt);
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
      return (await identities.ofHeader(authorization)).viewer;
    },
    async identifyClient(authorization) {
      if (!isOn) return { viewer: everybody, scopes: undefined };
      const credentials = parseAuthorization(authorization);
      if (credentials.scheme === 'bearer' && isOurs(credentials.secret)) {
        const { holder, scopes, expiresAt } = await registryTokens.verify(credentials.secret);
        return { viewer: (await identities.ofHolder(holder, expiresAt)).viewer, scopes };
      }
      return { viewer: (await identities.ofHeader(authorization)).viewer, scopes: undefined };
    },
    async issue(authorization, narrow) {
      const { viewer, holder } = await identities.ofHeader(authorization);
      return registryTokens.issue({ holder, scopes: await narrow(viewer) }, viewer.expiresAt);
    },
    async openSession(token) {
      const { viewer, holder } = await identities.ofSecret(token);
      if (holder.kind === 'anonymous') throw unauthenticated('is missing');
      return sessions.open(holder, viewer.expiresAt);
    },
    openSubjectSession: ({ subject, groups }) =>
      sessions.open({ kind: 'subject', subject, groups }, undefined),
    endSession: (secret) => sessions.end(secret),
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
