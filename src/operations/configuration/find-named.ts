import type { EntityName } from '@mikro-orm/core';
import { may } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { findByIds, findByNames } from '../../db/configuration/named-things.ts';
import type { NamedKind } from '../../db/configuration/named-things.ts';
import type { Em } from '../../db/open-database.ts';
import type { Named } from '../../db/reads/read-named.ts';
import type { Reference } from '../operation.ts';
import type { Values } from './configuration.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind, Maker, Reader, References, Which } from './kind.ts';

/** The rows that the viewer may read. */
export async function readRows<Row extends Named>(
  { em, viewer }: Reader,
  entity: EntityName<Row>,
  which: Which,
): Promise<Row[]> {
  const rows = await em.find(entity as EntityName<Named>, whereOf(which, 'name'), inOrderOfIds);
  return (rows as Row[]).filter(({ name }) => may(viewer, 'reader', name));
}

/** The fields with references of each row, as a configuration has them; null: none, or one that the viewer may not read. */
export async function readReferences<Field extends string>(
  { em, viewer }: Reader,
  references: References<Field>,
  rows: readonly object[],
): Promise<Record<Field, string | null>[]> {
  const named: Record<string, string | null>[] = rows.map(() => ({}));
  for (const [field, kind] of Object.entries<NamedKind>(references)) {
    const ids = rows.map((row) => (row as Values)[`${field}Id`]);
    const names = await readNames(em, viewer, kind, ids);
    for (const [index, one] of named.entries()) one[field] = names.get(ids[index]) ?? null;
  }
  return named;
}

/** The name of each id that the viewer may read. */
async function readNames(
  em: Em,
  viewer: Viewer,
  kind: NamedKind,
  ids: readonly unknown[],
): Promise<ReadonlyMap<unknown, string>> {
  const wanted = [...new Set(ids)].filter((id): id is number => typeof id === 'number');
  const rows = wanted.length === 0 ? [] : await findByIds(em, kind, wanted);
  return new Map(rows.filter(({ name }) => may(viewer, 'reader', name)).map(({ id, name }) => [id, name]));
}

/** Which of these names are there, and may be read. */
export async function findPresentNames(
  em: Em,
  viewer: Viewer,
  kind: NamedKind,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = names.length > 0 ? await findByNames(em, kind, names) : [];
  return new Set(rows.map(({ name }) => name).filter((name) => may(viewer, 'reader', name)));
}

/** The references that an operation takes for names; null and undefined stay. */
export function toReferences<Field extends string>(
  { idOf }: Maker,
  references: References<Field>,
  values: Values,
): Record<Field, Reference | null | undefined> {
  const found = Object.entries<NamedKind>(references).map(([field, kind]) => {
    const name = values[field];
    if (typeof name !== 'string') return [field, name === null ? null : undefined];
    return [field, { key: idOf(kind, name), field, text: name }];
  });
  return Object.fromEntries(found) as Record<Field, Reference | null | undefined>;
}

export interface NamedThing {
  readonly path: readonly string[];
  readonly field: string;
  readonly kind: NamedKind;
  readonly name: string;
}

/** What the values of a kind name, also in their lists. `path` is their place. */
export function namedBy(
  { references, listReferences = {} }: Pick<Kind, 'references' | 'listReferences'>,
  values: Values,
  path: readonly string[] = [],
): NamedThing[] {
  const inLists = Object.entries(listReferences).flatMap(([list, inEach]) =>
    ((values[list] ?? []) as readonly Values[]).flatMap((one, index) =>
      namesIn(one, inEach, [...path, list, String(index)]),
    ),
  );
  return [...namesIn(values, references, path), ...inLists];
}

function namesIn(values: Values, references: References, path: readonly string[]): NamedThing[] {
  return Object.entries(references).flatMap(([field, kind]) => {
    const name = values[field];
    return typeof name === 'string' ? [{ path, field, kind, name }] : [];
  });
}
