import type { EntityName } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isVisible, nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import type { Em } from '../open-database.ts';
import type { Credential } from '../schema/credentials.ts';
import type { RegistryProxy } from '../schema/proxies.ts';
import type { Remote } from '../schema/remotes.ts';
import type { Repository } from '../schema/repositories.ts';
import type { MirrorRule } from '../schema/rules.ts';
import type { SignaturePolicy } from '../schema/signatures.ts';
import type { Webhook } from '../schema/webhooks/webhooks.ts';
import { kysely } from '../sql.ts';
import { countRows } from './counts.ts';
import { isInState } from './figures/read-freshness.ts';
import type { FreshnessState } from './figures/read-freshness.ts';
import { toPage } from './read-page.ts';
import type { Page } from './read-page.ts';

/** Tables of named things, whose rows are seen by their names. */
export type NamedTable =
  | 'repository'
  | 'remote'
  | 'signature_policy'
  | 'credential'
  | 'mirror_rule'
  | 'proxy'
  | 'webhook';

/** Their entities. */
export type Named = Repository | Remote | SignaturePolicy | Credential | MirrorRule | RegistryProxy | Webhook;

export interface NamedRow {
  readonly id: number;
  readonly name: string;
}

export interface NamedPageArguments {
  readonly first: number;
  /** Name of the last row of the previous page. */
  readonly after: string | undefined;
  /** From `wildcardToRegex`; null matches nothing, undefined matches everything. */
  readonly nameRegex?: string | null | undefined;
  /** Of repositories. */
  readonly repositories?: RepositoryFilter | undefined;
}

export interface RepositoryFilter {
  readonly freshness?: FreshnessState | undefined;
  /** The mirror rule that has made them. */
  readonly ruleId?: number | undefined;
  /** The proxy that has made them. */
  readonly proxyId?: number | undefined;
  /** Whether a mirror rule has found that the upstream has them no more. */
  readonly isVanished?: boolean | undefined;
}

/** In the order of the ids; undefined if absent. */
export async function readNamed<Row extends Named>(
  em: Em,
  visibility: Visibility,
  entity: EntityName<Row>,
  ids: readonly number[],
): Promise<(Row | undefined)[]> {
  const rows = (await em.find(entity as EntityName<Named>, { id: { $in: [...ids] } })) as Row[];
  const byId = new Map(rows.filter(({ name }) => isVisible(visibility, name)).map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export async function findNamedId(em: Em, table: NamedTable, name: string): Promise<number | undefined> {
  const found = await kysely(em).selectFrom(table).select('id').where('name', '=', name).execute();
  return found[0]?.id;
}

/** Ordered by name. */
export async function readNamedPage(
  em: Em,
  visibility: Visibility,
  table: NamedTable,
  page: NamedPageArguments,
): Promise<Page<NamedRow>> {
  if (page.nameRegex === null) return { rows: [], hasNext: false };
  const found = await sql<NamedRow>`
    select id, name from ${sql.table(table)}
    where name > ${page.after ?? ''} and ${nameMatches(page.nameRegex)} and ${nameVisible(sql`name`, visibility)}
      and ${repositoryMatches(page.repositories)}
    order by name limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export async function countNamed(
  em: Em,
  visibility: Visibility,
  table: NamedTable,
  nameRegex?: string | null,
  repositories?: RepositoryFilter,
): Promise<number> {
  if (nameRegex === null) return 0;
  return countRows(
    em,
    table,
    sql`${nameMatches(nameRegex)} and ${nameVisible(sql`name`, visibility)} and ${repositoryMatches(repositories)}`,
  );
}

function repositoryMatches({ freshness, ruleId, proxyId, isVanished }: RepositoryFilter = {}) {
  const conditions = [
    freshness === undefined ? undefined : isInState(sql`repository.id`, freshness),
    ruleId === undefined ? undefined : isMade(sql`rule_id = ${ruleId}`),
    proxyId === undefined
      ? undefined
      : sql`exists (select from proxy_repository where repository_id = repository.id and proxy_id = ${proxyId})`,
    isVanished === undefined ? undefined : sql`${isMade(sql`vanished_at is not null`)} = ${isVanished}`,
  ];
  return sql.join([sql`true`, ...conditions.filter((each) => each !== undefined)], sql` and `);
}

function isMade(condition: RawBuilder<unknown>) {
  return sql`exists (select from rule_repository where repository_id = repository.id and ${condition})`;
}

function nameMatches(nameRegex: string | undefined) {
  return nameRegex === undefined ? sql`true` : sql`name ~ ${nameRegex}`;
}
