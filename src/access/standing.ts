import { hasLogins, readLiveToken, readSubjectGrants } from '../db/access/access-tokens.ts';
import type { Identity } from '../db/schema/identity.ts';
import type { Em } from '../db/open-database.ts';
import { everything } from '../db/access/visibility.ts';
import type { Visibility } from '../db/access/visibility.ts';
import { toViewer } from './access.ts';
import type { LoginSettings } from './access.ts';
import { anonymous, everybody, visibilityOf } from './viewer.ts';
import type { Viewer } from './viewer.ts';

/**
 * Who somebody is now that asked for something before: their roles are read anew, and a login that does not count any more leaves none.
 * Null, and who came while logins were off, may everything while they still are, and nothing since they are on.
 */
export async function readStanding(
  em: Em,
  identity: Identity | null | undefined,
  logins: LoginSettings,
): Promise<Viewer> {
  const isOn = logins.tokens || logins.oidc !== undefined;
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
 * The logins of a process that was not told whether there are any: on where the database has some. It is one that forgot to be told then, and
 * nobody gets everything by that.
 */
export async function assumeLogins(em: Em): Promise<LoginSettings> {
  return { tokens: await hasLogins(em), oidc: undefined };
}

/** What they may read; nothing is asked while logins are off. */
export async function readVisibility(
  em: Em,
  identity: Identity | null | undefined,
  logins: LoginSettings,
): Promise<Visibility> {
  const viewer = await readStanding(em, identity, logins);
  return viewer.kind === 'everybody' ? everything : visibilityOf(viewer);
}
