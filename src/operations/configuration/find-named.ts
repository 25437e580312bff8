import { may } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { findByIds, findByNames, isNamedKind } from '../../db/configuration/named-things.ts';
import type { NamedKind } from '../../db/configuration/named-things.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import type { Em } from '../../db/open-database.ts';
import type { Reference } from '../operation.ts';

/** The name of each id that the viewer may read. */
export async function readNames(
  em: Em,
  viewer: Viewer,
  kind: NamedKind,
  ids: readonly (number | null | undefined)[],
): Promise<ReadonlyMap<number, string>> {
  const wanted = [...new Set(ids)].filter((id): id is number => typeof id === 'number');
  const rows = wanted.length === 0 ? [] : await findByIds(em, kind, wanted);
  return new Map(rows.filter(({ name }) => may(viewer, 'reader', name)).map(({ id, name }) => [id, name]));
}

/** Which of these names are there, and may be read. */
export async function findPresentNames(
  em: Em,
  viewer: Viewer,
  kind: ConfiguredKind,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = isNamedKind(kind) && names.length > 0 ? await findByNames(em, kind, names) : [];
  return new Set(rows.map(({ name }) => name).filter((name) => may(viewer, 'reader', name)));
}

/** The reference that an operation takes for a name; null and undefined stay. */
export async function referTo(
  em: Em,
  kind: NamedKind,
  field: string,
  name: unknown,
): Promise<Reference | null | undefined> {
  if (typeof name !== 'string') return name === null ? null : undefined;
  const [row] = await findByNames(em, kind, [name]);
  return { key: row?.id, field, text: name };
}
