import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { MinimumAge } from '../../selection/tag-rules.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { listedNames } from '../staging/selected-graph.ts';
import { isReleased } from './tag-releases.ts';

/* When syncs first saw the digests of tags that wait for the minimum age, by the clock of the database. */

interface SyncOfTags {
  readonly taskId: number;
  readonly repositoryId: number;
}

export interface SeenTag {
  /** Whether the tag takes the digest: it is due, or the rule does not concern it. */
  readonly isTaken: boolean;
  readonly firstSeenAt: Date;
  readonly dueAt: Date;
}

/**
 * Stores that the upstream has these digests under the tags. The time of another digest is forgotten. A dry run stores nothing.
 * @returns by name
 */
export async function seeTags(
  em: Em,
  sync: SyncOfTags & { readonly isDryRun: boolean },
  tags: readonly { readonly name: string; readonly digest: Digest }[],
  age: MinimumAge,
): Promise<Map<string, SeenTag>> {
  const { taskId, repositoryId } = sync;
  const present = sql`from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.removed_in is null and t.name = tag.name`;
  const seen = sync.isDryRun
    ? sql`select tag.name, coalesce(s.first_seen_at, clock_timestamp()) as first_seen_at from tag
        left join tag_seen s on s.repository_id = ${repositoryId} and s.name = tag.name and s.digest = tag.digest`
    : sql`insert into tag_seen (repository_id, name, digest) select ${repositoryId}::bigint, name, digest from tag
      on conflict (repository_id, name) do update set digest = excluded.digest,
        first_seen_at = case when tag_seen.digest = excluded.digest then tag_seen.first_seen_at else excluded.first_seen_at end
      returning name, first_seen_at`;
  const result = await sql<SeenTag & { name: string }>`
    with tag as (
      select distinct on (name collate "C") name, digest
      from unnest(${tags.map(({ name }) => name)}::text[], ${tags.map(({ digest }) => digest)}::text[]) as v(name, digest)
      order by name collate "C"
    ),
    seen as (${seen})
    select tag.name, first_seen_at as "firstSeenAt", ${dueAt(age)} as "dueAt",
      ${dueAt(age)} <= task.started_at or exists (select ${present} and m.digest = tag.digest)
        or (${age.scope === 'MOVED'} and not exists (select ${present}))
        or ${isReleased(repositoryId, sql`tag.name`, sql`tag.digest`)} as "isTaken"
    from tag join seen on seen.name = tag.name join task on task.id = ${taskId}`.execute(kysely(em));
  if (result.rows.length === 0 && tags.length > 0) throw new Error(`The task ${taskId} is gone.`);
  return new Map(
    result.rows.map((row) => [
      row.name,
      { ...row, firstSeenAt: new Date(row.firstSeenAt), dueAt: new Date(row.dueAt) },
    ]),
  );
}

function dueAt({ seconds }: MinimumAge): RawBuilder<Date> {
  return sql<Date>`first_seen_at + make_interval(secs => ${seconds})`;
}

/** Of these names, those that the repository has or that are due (`counted`), and those that wait. Other names were never seen. */
export async function readSeen(
  em: Em,
  sync: SyncOfTags,
  names: readonly string[],
  age: MinimumAge,
): Promise<{ readonly counted: Set<string>; readonly waiting: string[] }> {
  const result = await sql<{ name: string; isCounted: boolean }>`
    select name, bool_or(is_counted) as "isCounted" from (
      select tag_seen.name, ${dueAt(age)} <= task.started_at
        or ${isReleased(sync.repositoryId, sql`tag_seen.name`, sql`tag_seen.digest`)} as is_counted from tag_seen, task
      where task.id = ${sync.taskId} and tag_seen.repository_id = ${sync.repositoryId} and tag_seen.name = any(${names}::text[])
      union all
      select name, true from tag_membership
      where repository_id = ${sync.repositoryId} and removed_in is null and name = any(${names}::text[])
    ) as known group by name`.execute(kysely(em));
  return {
    counted: new Set(result.rows.filter((row) => row.isCounted).map(({ name }) => name)),
    waiting: result.rows.filter((row) => !row.isCounted).map(({ name }) => name),
  };
}

/** Forgets tags that are at the digest of the repository, or absent upstream. */
export async function forgetTags(em: Em, repositoryId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`delete from tag_seen where repository_id = ${repositoryId} and name = any(${names}::text[])`.execute(
    kysely(em),
  );
}

/** Forgets the tags that the sync does not select. */
export async function forgetUnlisted(em: Em, { taskId, repositoryId }: SyncOfTags): Promise<void> {
  await sql`
    delete from tag_seen where repository_id = ${repositoryId}
      and not exists (select from (${listedNames(taskId)}) as listed where listed.name = tag_seen.name)`.execute(
    kysely(em),
  );
}

/** Whether the sync leaves a tag out because its digest is too young. */
export async function hasWaitingTags(em: Em, taskId: number): Promise<boolean> {
  const result =
    await sql`select from sync_tag where task_id = ${taskId} and outcome = 'TOO_YOUNG' limit 1`.execute(
      kysely(em),
    );
  return result.rows.length > 0;
}
