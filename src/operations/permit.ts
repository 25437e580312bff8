import { may } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Role } from '../db/access/roles.ts';
import { quoteValue } from '../oci/error.ts';
import { mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';

/** The row, or null for a caller who may not see it: to them it is not there (fault 91). */
export function seen<Row>(
  viewer: Viewer,
  row: Row | null | undefined,
  nameOf: (row: Row) => string,
): Row | null {
  return row !== null && row !== undefined && may(viewer, 'reader', nameOf(row)) ? row : null;
}

/** The mistake of a caller who lacks a role for a name or scope; none otherwise. */
export function lacksRole(
  viewer: Viewer,
  role: Role,
  name: string,
  field: string | readonly string[],
): Mistake[] {
  if (may(viewer, role, name)) return [];
  const message = `${quoteValue(viewer.name)} is no ${role} of ${quoteValue(name)}. An administrator can grant the role with grantCreate.`;
  return [mistake('FORBIDDEN', [field].flat(), message)];
}
