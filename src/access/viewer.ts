import type { Role } from '../db/access/roles.ts';
import type { Identity } from '../db/schema/columns/identity.ts';
import { everything } from '../db/access/visibility.ts';
import type { Visibility } from '../db/access/visibility.ts';
import { covers, isAtLeast } from './scope.ts';
import type { Grant } from './scope.ts';

/** A caller and the granted roles. */
export interface Viewer {
  /**
   * `everybody`: logins are off, and every caller may do everything. `anonymous`: logins are on, and the caller sent no credentials.
   * `token`, `subject`: a token of ours, or a subject that an OIDC issuer vouches for.
   */
  readonly kind: 'everybody' | 'anonymous' | 'token' | 'subject';
  /** For messages: the token's name, or the subject. */
  readonly name: string;
  /** Empty except for `token` and `subject`. */
  readonly grants: readonly Grant[];
  /** When the credentials expire; undefined: never. */
  readonly expiresAt: Date | undefined;
  /** The identity that is stored with work that continues after the request. */
  readonly identity: Identity;
}

export const everybody: Viewer = {
  kind: 'everybody',
  name: 'everybody',
  grants: [],
  expiresAt: undefined,
  identity: { kind: 'everybody' },
};
export const anonymous: Viewer = {
  kind: 'anonymous',
  name: 'anonymous',
  grants: [],
  expiresAt: undefined,
  identity: { kind: 'anonymous' },
};

/** The same for all requests of a token or subject. */
export function callerKey({ kind, name }: Pick<Viewer, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** Whether the viewer has at least this role for the name of a repository, distribution or remote, or for a whole scope. */
export function may(viewer: Viewer, role: Role, name: string): boolean {
  if (viewer.kind === 'everybody') return true;
  return viewer.grants.some((grant) => isAtLeast(grant.role, role) && covers(grant.scope, name));
}

/** Whether the viewer has the role in any scope. */
export function mayAnywhere(viewer: Viewer, role: Role): boolean {
  return viewer.kind === 'everybody' || viewer.grants.some((grant) => isAtLeast(grant.role, role));
}

/** The names for which the viewer has a role, for the reads of the database. */
export function visibilityOf(viewer: Viewer, role: Role = 'reader'): Visibility {
  if (may(viewer, role, '*')) return everything;
  const scopes = viewer.grants.filter((grant) => isAtLeast(grant.role, role)).map((grant) => grant.scope);
  return {
    all: false,
    names: scopes.filter((scope) => !scope.endsWith('/*')),
    prefixes: scopes.filter((scope) => scope.endsWith('/*')).map((scope) => scope.slice(0, -1)),
    identity: viewer.identity,
  };
}
