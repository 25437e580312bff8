import { decodeJwt } from 'jose';
import { readLiveToken, readSubjectGrants } from '../db/access/access-tokens.ts';
import type { LiveToken } from '../db/access/access-tokens.ts';
import type { Database } from '../db/open-database.ts';
import { parseAuthorization, unauthenticated } from './credentials.ts';
import { createOidcVerifier } from './oidc.ts';
import type { OidcSettings, Subject } from './oidc.ts';
import { createRegistryTokens, isRegistryToken } from './registry-token.ts';
import type { IssuedToken, RegistryHolder, RepositoryScope } from './registry-token.ts';
import type { SecretBox } from './secrets.ts';
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
   * The caller of a request to the API, by its `Authorization` header; one look-up.
   * @throws TidemarkError `UNAUTHENTICATED` for invalid credentials; `OIDC_UNAVAILABLE`.
   */
  identify(authorization: string | undefined): Promise<Viewer>;
  /** The same for `/v2/`, which accepts registry tokens too. */
  identifyClient(authorization: string | undefined): Promise<RegistryViewer>;
  /** Issues a registry token for the caller, with the scopes that `narrow` returns. */
  issue(
    authorization: string | undefined,
    narrow: (viewer: Viewer) => Promise<readonly RepositoryScope[]>,
  ): Promise<IssuedToken>;
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

  async function identify(authorization: string | undefined): Promise<Identity> {
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
        return subjectOf({ ...holder, expiresAt });
    }
  }

  return {
    isOn,
    async identify(authorization) {
      return isOn ? (await identify(authorization)).viewer : everybody;
    },
    async identifyClient(authorization) {
      if (!isOn) return { viewer: everybody, scopes: undefined };
      const credentials = parseAuthorization(authorization);
      if (credentials.scheme === 'bearer' && isOurs(credentials.secret)) {
        const { holder, scopes, expiresAt } = await registryTokens.verify(credentials.secret);
        return { viewer: (await holderIdentity(holder, expiresAt)).viewer, scopes };
      }
      return { viewer: (await identify(authorization)).viewer, scopes: undefined };
    },
    async issue(authorization, narrow) {
      const { viewer, holder } = await identify(authorization);
      return registryTokens.issue({ holder, scopes: await narrow(viewer) }, viewer.expiresAt);
    },
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
