import type { Role } from '../db/access/roles.ts';
import { roles } from '../db/access/roles.ts';
import { isRepositoryName } from '../oci/reference.ts';

/** The scope of a role: `*` for everything, `team/*` for all names that begin with `team/`, or one name. */
export interface Grant {
  readonly role: Role;
  readonly scope: string;
}

export function isScope(text: string): boolean {
  return text === '*' || isRepositoryName(text.endsWith('/*') ? text.slice(0, -2) : text);
}

/** Whether a scope covers a name or a narrower scope. */
export function covers(scope: string, name: string): boolean {
  if (scope === '*' || scope === name) return true;
  return scope.endsWith('/*') && name.startsWith(scope.slice(0, -1));
}

/** Each role includes those below it. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
