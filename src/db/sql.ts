import type { InferKyselyDB } from '@mikro-orm/postgresql';
import type { ColumnType, Kysely } from 'kysely';
import type { Em } from './open-database.ts';
import type { entities } from './schema/entities.ts';

/** MikroORM's driver reads times as text, except in entities. */
type Read<Value> = Value extends Date ? string : Value extends Date[] ? string[] : Value;

type Column<Value> =
  Value extends ColumnType<infer Select, infer Insert, infer Update>
    ? ColumnType<Read<Select>, Insert, Update>
    : ColumnType<Read<Value>, Value, Value>;

type Inferred = InferKyselyDB<(typeof entities)[number]>;

/** The tables and columns, inferred from the entities. */
export type Tables = {
  readonly [Name in keyof Inferred]: { readonly [Key in keyof Inferred[Name]]: Column<Inferred[Name][Key]> };
};

/** Kysely on the connection of `em`, in its transaction (docs/database.md). */
export function kysely(em: Em): Kysely<Tables> {
  return em.getKysely<Tables>();
}
