import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import type { Em } from '../open-database.ts';
import { toPage } from '../reads/read-page.ts';
import type { Page } from '../reads/read-page.ts';
import { kysely } from '../sql.ts';
import { namedTables } from './named-things.ts';
import type { NamedKind } from './named-things.ts';

/** The kinds with a section of their own. */
export type SectionKind = NamedKind | 'DISTRIBUTION';

export interface SectionOf {
  readonly kind: SectionKind;
  readonly visibility: Visibility;
  /** What a new distribution is without a choice. */
  readonly isPrivate: boolean;
}

/** The ids of a section of the exported configuration, in their order. */
export async function readSectionPage(
  em: Em,
  section: SectionOf,
  { afterId, first }: { readonly afterId: number; readonly first: number },
): Promise<Page<number>> {
  const found = await sql<{ id: number }>`
    select id from (${rowsOf(section)}) as own where id > ${afterId} order by id limit ${first + 1}`.execute(
    kysely(em),
  );
  return toPage(
    found.rows.map(({ id }) => id),
    first,
  );
}

export async function countSection(em: Em, section: SectionOf): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*)::int as count from (${rowsOf(section)}) as own`.execute(kysely(em));
  return found.rows[0]?.count ?? 0;
}

/** The distribution at a repository's own name is listed where it differs from that of a new repository. */
function rowsOf({ kind, visibility, isPrivate }: SectionOf): RawBuilder<unknown> {
  if (kind !== 'DISTRIBUTION')
    return sql`select id from ${sql.table(namedTables[kind])} where ${nameVisible(sql`name`, visibility)}`;
  return sql`
    select d.id from distribution d join repository r on r.id = d.repository_id
    where ${nameVisible(sql`d.base_path`, visibility)} and not (d.base_path = r.name and d.version is null
      and not d.pull_through and d.signature_policy_id is null and d.is_private = ${isPrivate})`;
}
