import { sql } from 'kysely';
import { nameVisible, repositoryVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import { countOnlySource } from '../content/blob-sources.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

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

/** Undefined if it is deleted. */
export async function readRepositoryName(em: Em, id: number): Promise<string | undefined> {
  const found = await kysely(em).selectFrom('repository').select('name').where('id', '=', id).execute();
  return found[0]?.name;
}

/** A schedule of the repository, if any. */
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
