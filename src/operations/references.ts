import { LockMode } from '@mikro-orm/core';
import type { EntityName } from '@mikro-orm/core';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { findNamedId } from '../db/reads/read-named.ts';
import type { Named, NamedTable } from '../db/reads/read-named.ts';
import { Remote } from '../db/schema/remotes.ts';
import type { Repository } from '../db/schema/repositories.ts';
import { quoteValue } from '../oci/error.ts';
import { invalid, noSuchId } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import { done, refused } from './operation.ts';
import type { Outcome, Reference } from './operation.ts';
import { lacksRole, seen } from './permit.ts';

export function repositoryNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('repository', 'repositories', named);
}

export function remoteNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('remote', 'remotes', named);
}

export function credentialNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('credential', 'credentials', named);
}

/** Whether a thing of this kind has the name, which may be one that is refused. */
export async function isNameTaken(em: Em, table: NamedTable, name: string): Promise<boolean> {
  return !name.includes('\0') && (await findNamedId(em, table, name)) !== undefined;
}

/** The row that an input names, locked; null where the viewer cannot read it. */
export async function lockNamed<Row extends Named>(
  em: Em,
  viewer: Viewer,
  entity: EntityName<Row>,
  { key }: Reference,
  lockMode = LockMode.PESSIMISTIC_WRITE,
): Promise<Row | null> {
  if (key === undefined) return null;
  const row = await em.findOne(entity as EntityName<Named>, { id: key }, { lockMode });
  return seen(viewer, row as Row | null, ({ name }) => name);
}

/** The same for a row that the caller is going to change: its mistakes where it does not exist, or the role maintainer is lacking. */
export async function lockOwned<Row extends Named>(
  em: Em,
  viewer: Viewer,
  entity: EntityName<Row>,
  reference: Reference & { readonly notFound: (reference: Reference) => Mistake },
): Promise<Outcome<Row>> {
  const row = await lockNamed(em, viewer, entity, reference);
  if (row === null) return refused(reference.notFound(reference));
  const lacking = lacksRole(viewer, 'maintainer', row.name, reference.field);
  return lacking.length > 0 ? refused(...lacking) : done(row);
}

/**
 * The key of a remote that an input names, locked against deletion. Whoever syncs with a remote uses its secrets, so that needs the role
 * maintainer for it. `settled` remotes need none: they are in use already where the caller may sync. Undefined, with a mistake, where the
 * caller cannot use it.
 */
export async function lockUsableRemote(
  em: Em,
  viewer: Viewer,
  remote: Reference,
  {
    settled = [],
    mistakes,
  }: { readonly settled?: readonly (number | null | undefined)[]; readonly mistakes: Mistake[] },
): Promise<number | undefined> {
  const { key } = remote;
  const found =
    key === undefined ? null : await em.findOne(Remote, { id: key }, { lockMode: LockMode.PESSIMISTIC_READ });
  if (found !== null && settled.includes(found.id)) return found.id;
  const row = seen(viewer, found, ({ name }) => name);
  mistakes.push(
    ...(row === null ? [remoteNotFound(remote)] : lacksRole(viewer, 'maintainer', row.name, remote.field)),
  );
  return row?.id;
}

/** A sync or schedule is given no remote, and the repository has none. */
export function hasNoRemote({ name }: Repository): Mistake {
  return invalid(
    'remoteId',
    `The repository ${quoteValue(name)} has no remote; give remoteId, or set the repository's remote first.`,
  );
}
