import { may } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Role } from '../db/access/roles.ts';
import { quoteValue } from '../oci/error.ts';
import { mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';

/** The row; null for a caller who may not see it, since to them it does not exist (fault 91). */
export function seen<Row>(
  viewer: Viewer,
  row: Row | null | undefined,
  nameOf: (row: Row) => string,
): Row | null {
  return row !== null && row !== undefined && may(viewer, 'reader', nameOf(row)) ? row : null;
}

/** The new name in an update; undefined where the name stays. */
export function newNameOf(given: string | null | undefined, present: string | undefined): string | undefined {
  return typeof given === 'string' && given !== present ? given : undefined;
}

/** The mistakes of a caller who lacks the role maintainer for what they update: for its name, and for a new one. */
export function lacksNames(
  viewer: Viewer,
  present: string | undefined,
  newName: string | undefined,
  { field, nameField = 'name' }: { readonly field: string; readonly nameField?: string },
): Mistake[] {
  return [
    ...(present === undefined ? [] : lacksRole(viewer, 'maintainer', present, field)),
    ...(newName === undefined ? [] : lacksRole(viewer, 'maintainer', newName, nameField)),
  ];
}

/** The mistake of a caller who lacks a role for a name or scope; none otherwise. */
export function lacksRole(
  viewer: Viewer,
  role: Role,
  name: string,
  field: string | readonly string[],
): Mistake[] {
  if (may(viewer, role, name)) return [];
  const message = `${quoteValue(viewer.name)} lacks the role ${role} on ${quoteValue(name)}. An administrator can grant the role with grantCreate.`;
  return [mistake('FORBIDDEN', [field].flat(), message)];
}
