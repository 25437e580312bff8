import { sql } from 'kysely';
import { countOnlySource } from '../content/blob-sources.ts';
import { Remote } from '../schema/remotes.ts';
import { Repository } from '../schema/repositories.ts';
import type { Em } from '../open-database.ts';
import { toPage } from './read-page.ts';
import type { Page } from './read-page.ts';
import { countRows } from './counts.ts';
import { isInState } from './read-freshness.ts';
import type { FreshnessState } from './read-freshness.ts';
import { kysely } from '../sql.ts';
import { isVisible, nameVisible, repositoryVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface NamedPageArguments {
  readonly first: number;
  /** Name of the last row of the previous page. */
  readonly after: string | undefined;
  /** From `wildcardToRegex`; null matches nothing, undefined matches everything. */
  readonly nameRegex?: string | null | undefined;
  /** Of repositories. */
  readonly freshness?: FreshnessState | undefined;
}

/** Undefined if absent. */
function inOrder<Key, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): (Row | undefined)[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => byKey.get(key));
}

export async function readRepositories(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(Repository | undefined)[]> {
  const rows = await em.find(Repository, { id: { $in: [...ids] } });
  const seen = rows.filter((row) => isVisible(visibility, row.name));
  return inOrder(ids, seen, (row) => row.id);
}

export async function readRemotes(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(Remote | undefined)[]> {
  const rows = await em.find(Remote, { id: { $in: [...ids] } });
  const seen = rows.filter((row) => isVisible(visibility, row.name));
  return inOrder(ids, seen, (row) => row.id);
}

export async function findRepositoryId(em: Em, name: string): Promise<number | undefined> {
  const found = await kysely(em).selectFrom('repository').select('id').where('name', '=', name).execute();
  return found[0]?.id;
}

export async function findRemoteId(em: Em, name: string): Promise<number | undefined> {
  const found = await kysely(em).selectFrom('remote').select('id').where('name', '=', name).execute();
  return found[0]?.id;
}

/** Tables of named things, whose rows are seen by their names. */
type NamedTable = 'repository' | 'remote' | 'signature_policy' | 'credential';

export interface NamedRow {
  readonly id: number;
  readonly name: string;
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
      and ${freshnessMatches(page.freshness)}
    order by name limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export async function countNamed(
  em: Em,
  visibility: Visibility,
  table: NamedTable,
  nameRegex?: string | null,
  freshness?: FreshnessState,
): Promise<number> {
  if (nameRegex === null) return 0;
  return countRows(
    em,
    table,
    sql`${nameMatches(nameRegex)} and ${nameVisible(sql`name`, visibility)} and ${freshnessMatches(freshness)}`,
  );
}

function freshnessMatches(state: FreshnessState | undefined) {
  return state === undefined ? sql`true` : isInState(sql`repository.id`, state);
}

function nameMatches(nameRegex: string | undefined) {
  return nameRegex === undefined ? sql`true` : sql`name ~ ${nameRegex}`;
}

/** The users of a remote: the first visible repositories, a schedule and an open task. */
export interface RemoteUse {
  readonly repositoryNames: readonly string[];
  readonly repositoryCount: number;
  readonly schedule: Use | undefined;
  readonly task: Use | undefined;
  /** Blobs that are not stored and that no other remote has. */
  readonly onlySourceOf: number;
}

interface Use {
  readonly id: number;
  readonly isSeen: boolean;
}

export async function readRemoteUse(em: Em, visibility: Visibility, remoteId: number): Promise<RemoteUse> {
  const repositories = await sql<{ name: string; total: number; isSeen: boolean }>`
    select name, count(*) over () as total, ${nameVisible(sql`name`, visibility)} as "isSeen"
    from repository where remote_id = ${remoteId}
    order by "isSeen" desc, name limit 3`.execute(kysely(em));
  const isSeen = (table: 'schedule' | 'task') =>
    repositoryVisible(sql`${sql.ref(`${table}.repository_id`)}`, visibility);
  const schedules = await sql<Use>`
    select id, ${isSeen('schedule')} as "isSeen" from schedule where remote_id = ${remoteId} order by "isSeen" desc, id limit 1`.execute(
    kysely(em),
  );
  const tasks = await sql<Use>`
    select id, ${isSeen('task')} as "isSeen" from task where remote_id = ${remoteId} and state in ('WAITING', 'RUNNING')
    order by "isSeen" desc, id limit 1`.execute(kysely(em));
  return {
    repositoryNames: repositories.rows.filter((row) => row.isSeen).map((row) => row.name),
    repositoryCount: repositories.rows[0]?.total ?? 0,
    schedule: schedules.rows[0],
    task: tasks.rows[0],
    onlySourceOf: await countOnlySource(em, remoteId),
  };
}

/** A schedule of the repository, if any. */
/** Undefined if it is deleted. */
export async function readRepositoryName(em: Em, id: number): Promise<string | undefined> {
  const found = await kysely(em).selectFrom('repository').select('name').where('id', '=', id).execute();
  return found[0]?.name;
}

export async function findScheduleId(em: Em, repositoryId: number): Promise<number | undefined> {
  const found = await kysely(em)
    .selectFrom('schedule')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .orderBy('id')
    .limit(1)
    .execute();
  return found[0]?.id;
}

/** Whether the row `r` of `repository` has content that no upstream delivered. Pull-through needs an upstream. */
export const isPushed = sql<boolean>`(r.latest > 0 and not r.is_mirrored
  and not exists (select from distribution d where d.repository_id = r.id and d.pull_through))`;

export async function isPushedTo(em: Em, repositoryId: number): Promise<boolean> {
  const found = await sql`select from repository r where r.id = ${repositoryId} and ${isPushed}`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/** The open task of the repository. */
export async function findOpenTaskId(em: Em, repositoryId: number): Promise<number | undefined> {
  const found = await kysely(em)
    .selectFrom('task')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .where('state', 'in', ['WAITING', 'RUNNING'])
    .orderBy('id')
    .limit(1)
    .execute();
  return found[0]?.id;
}
