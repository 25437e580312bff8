import { hasLogins, readLiveToken, readSubjectGrants } from '../db/access/access-tokens.ts';
import type { Identity } from '../db/schema/columns/identity.ts';
import type { Em } from '../db/open-database.ts';
import { everything } from '../db/access/visibility.ts';
import type { Visibility } from '../db/access/visibility.ts';
import { toViewer } from './identities.ts';
import { areLoginsOn } from './login-settings.ts';
import type { LoginSettings } from './login-settings.ts';
import { anonymous, everybody, visibilityOf } from './viewer.ts';
import type { Viewer } from './viewer.ts';

/**
 * The present rights of a caller who started work earlier. Roles are read anew; a login that is no longer valid has none. A caller from the
 * time when logins were off (null) may do everything while they still are, and nothing once they are on.
 */
export async function readStanding(
  em: Em,
  identity: Identity | null | undefined,
  logins: LoginSettings,
): Promise<Viewer> {
  const isOn = areLoginsOn(logins);
  switch (identity?.kind) {
    case undefined:
    case 'everybody':
      return isOn ? anonymous : everybody;
    case 'anonymous':
      return anonymous;
    case 'token': {
      const token = isOn && !logins.tokens ? undefined : await readLiveToken(em, { id: identity.id });
      return token === undefined ? anonymous : toViewer(token);
    }
    case 'subject': {
      if (isOn && logins.oidc === undefined) return anonymous;
      const { subject, groups } = identity;
      const grants = await readSubjectGrants(em, subject, groups);
      return { kind: 'subject', name: subject, grants, expiresAt: undefined, identity };
    }
  }
}

/**
 * The logins of a process that is not configured for them: on if the database has any. Such a process was forgotten, and it must not grant
 * everything to everybody.
 */
export async function assumeLogins(em: Em): Promise<LoginSettings> {
  return { tokens: await hasLogins(em), oidc: undefined };
}

/** What the caller may read. No look-up while logins are off. */
export async function readVisibility(
  em: Em,
  identity: Identity | null | undefined,
  logins: LoginSettings,
): Promise<Visibility> {
  const viewer = await readStanding(em, identity, logins);
  return viewer.kind === 'everybody' ? everything : visibilityOf(viewer);
}
