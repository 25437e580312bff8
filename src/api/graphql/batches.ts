import type { EntityName } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Visibility } from '../../db/access/visibility.ts';
import type { Em } from '../../db/open-database.ts';
import type { ParentInVersion } from '../../db/reads/read-absences.ts';
import { readNamed } from '../../db/reads/read-named.ts';
import type { Named } from '../../db/reads/read-named.ts';

/** One statement for many parents. */
type Read<Key, Value> = (em: Em, keys: readonly Key[]) => Promise<readonly Value[]>;

/** The same for objects by id, of which a caller sees only some. */
type ReadSeen<Key, Value> = (
  em: Em,
  visibility: Visibility,
  keys: readonly Key[],
) => Promise<readonly Value[]>;

/** The same for what is below a manifest in a version. */
type ReadBelow<Value> = (
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
) => Promise<readonly Value[]>;

/** A list below a parent. All parents with the same arguments are read in one statement. */
interface Below<Parent, Arguments> {
  readonly parent: Parent;
  readonly page: Arguments;
}

type ReadPages<Parent, Arguments, Value> = (
  em: Em,
  parents: readonly Parent[],
  page: Arguments,
) => Promise<readonly Value[]>;

const maxBatchSize = 1_000;

export type Batches = ReturnType<typeof createBatches>;

/** Builds loaders, by what their keys are. A loader reads all keys of a batch with one statement. */
export function createBatches(em: Em, visibility: Visibility) {
  const byId = <Value>(read: Read<number, Value>): DataLoader<number, Value> =>
    new DataLoader((ids) => read(em, ids), { maxBatchSize });

  const seenById = <Value>(read: ReadSeen<number, Value>): DataLoader<number, Value> =>
    byId((connection, ids) => read(connection, visibility, ids));

  const named = <Row extends Named>(entity: EntityName<Row>): DataLoader<number, Row | undefined> =>
    seenById((connection, seen, ids) => readNamed(connection, seen, entity, ids));

  /** Keys are the same if all their fields are. */
  const byValue = <Key, Value>(read: Read<Key, Value>): DataLoader<Key, Value, string> =>
    new DataLoader((keys) => read(em, keys), { cacheKeyFn: JSON.stringify, maxBatchSize });

  const byKey = <Key, Value>(
    read: Read<Key, Value>,
    keyOf: (key: Key) => readonly (string | number | undefined)[],
  ): DataLoader<Key, Value, string> =>
    new DataLoader((keys) => read(em, keys), {
      cacheKeyFn: (key) => JSON.stringify(keyOf(key)),
      maxBatchSize,
    });

  const below = <Value>(read: ReadBelow<Value>): DataLoader<ParentInVersion, Value, string> =>
    byKey(
      (connection, parents) => read(connection, visibility, parents),
      ({ id, version }) => [id, version?.repositoryId, version?.number],
    );

  const lists = <Parent, Arguments, Value>(
    read: ReadPages<Parent, Arguments, Value>,
  ): DataLoader<Below<Parent, Arguments>, Value, string> =>
    new DataLoader((keys) => readGrouped(em, keys, read), { cacheKeyFn: JSON.stringify, maxBatchSize });

  return { byId, seenById, named, byValue, byKey, below, lists };
}

async function readGrouped<Parent, Arguments, Value>(
  em: Em,
  keys: readonly Below<Parent, Arguments>[],
  read: ReadPages<Parent, Arguments, Value>,
): Promise<(Value | Error)[]> {
  const groups = new Map<string, { page: Arguments; places: number[] }>();
  for (const [place, { page }] of keys.entries()) {
    const name = JSON.stringify(page);
    const group = groups.get(name) ?? { page, places: [] };
    group.places.push(place);
    groups.set(name, group);
  }
  const values = Array.from({ length: keys.length }, (): Value | Error => new Error('a list was not read'));
  for (const { page, places } of groups.values()) {
    const parents = places.flatMap((place) => keys[place]?.parent ?? []) as Parent[];
    const read1 = await read(em, parents, page);
    for (const [index, place] of places.entries()) {
      const value = read1[index];
      if (value !== undefined) values[place] = value;
    }
  }
  return values;
}
