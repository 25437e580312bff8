import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

const tables = {
  REMOTE: 'remote',
  REPOSITORY: 'repository',
  SIGNATURE_POLICY: 'signature_policy',
  CREDENTIAL: 'credential',
  MIRROR_RULE: 'mirror_rule',
} as const;
/** What is named by a name alone. */
export type NamedKind = keyof typeof tables;

export interface NamedThing {
  readonly id: number;
  readonly name: string;
}

export function isNamedKind(kind: string): kind is NamedKind {
  return Object.hasOwn(tables, kind);
}

export async function findByIds(em: Em, kind: NamedKind, ids: readonly number[]): Promise<NamedThing[]> {
  const found = await sql<NamedThing>`
    select id, name from ${sql.table(tables[kind])} where id = any(${[...ids]}::bigint[])`.execute(
    kysely(em),
  );
  return found.rows;
}

export async function findByNames(em: Em, kind: NamedKind, names: readonly string[]): Promise<NamedThing[]> {
  const found = await sql<NamedThing>`
    select id, name from ${sql.table(tables[kind])} where name = any(${names.filter((name) => !name.includes('\0'))}::text[])`.execute(
    kysely(em),
  );
  return found.rows;
}
