import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { NamedRow, NamedTable } from '../reads/read-named.ts';
import { kysely } from '../sql.ts';

/** The table of each kind. */
export const namedTables = {
  REMOTE: 'remote',
  REPOSITORY: 'repository',
  SIGNATURE_POLICY: 'signature_policy',
  CREDENTIAL: 'credential',
  MIRROR_RULE: 'mirror_rule',
  PROXY: 'proxy',
  WEBHOOK: 'webhook',
} as const satisfies Readonly<Record<string, NamedTable>>;
/** What is named by a name alone. */
export type NamedKind = keyof typeof namedTables;

export async function findByIds(em: Em, kind: NamedKind, ids: readonly number[]): Promise<NamedRow[]> {
  const found = await sql<NamedRow>`
    select id, name from ${sql.table(namedTables[kind])} where id = any(${[...ids]}::bigint[])`.execute(
    kysely(em),
  );
  return found.rows;
}

export async function findByNames(em: Em, kind: NamedKind, names: readonly string[]): Promise<NamedRow[]> {
  const found = await sql<NamedRow>`
    select id, name from ${sql.table(namedTables[kind])} where name = any(${[...names]}::text[])`.execute(
    kysely(em),
  );
  return found.rows;
}
