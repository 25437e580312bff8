import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { listedNames } from './selected-graph.ts';
import type { Listing } from './stage-names.ts';
import type { PresentTag } from './stage-tags.ts';

/* Present tags whose digest a registry's own list names. `readWalked` leaves them out of the requests. */

export interface ListedTag {
  readonly name: string;
  /** The present manifest. Null if the list has another one. */
  readonly manifestId: number | null;
}

/** Stages what a list says. A tag that is listed twice, differently, counts as another one. */
export async function stageListed(
  em: Em,
  { taskId, listing }: Listing,
  tags: readonly ListedTag[],
): Promise<void> {
  if (tags.length === 0) return;
  const distinct = new Map<string, number | null>();
  for (const { name, manifestId } of tags)
    distinct.set(name, !distinct.has(name) || distinct.get(name) === manifestId ? manifestId : null);
  const names = [...distinct.keys()].sort();
  await sql`
    insert into sync_listed as l (task_id, listing, name, manifest_id)
    select ${taskId}, ${listing}, v.name, v.manifest_id
    from unnest(${names}::text[], ${names.map((name) => distinct.get(name) ?? null)}::bigint[]) as v(name, manifest_id)
    on conflict (task_id, listing, name) do update set
      manifest_id = case when l.manifest_id = excluded.manifest_id then l.manifest_id end`.execute(
    kysely(em),
  );
}

/** Drops these tags, or all of the task's. They are requested then. */
export async function dropListed(em: Em, taskId: number, names?: readonly string[]): Promise<void> {
  const which = names === undefined ? sql`true` : sql`name = any(${names}::text[])`;
  await sql`delete from sync_listed where task_id = ${taskId} and ${which}`.execute(kysely(em));
}

interface SyncOfTags {
  readonly taskId: number;
  readonly repositoryId: number;
}

/** The number of selected tags that the version has. */
export async function countPresent(em: Em, { taskId, repositoryId }: SyncOfTags): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*)::int as count from (select distinct name from (${listedNames(taskId)}) as n) as listed
      join tag_membership t on t.name = listed.name and t.repository_id = ${repositoryId} and t.removed_in is null`.execute(
    kysely(em),
  );
  return found.rows[0]?.count ?? 0;
}

/** Forgets when they were first seen, as of any tag at the digest of the version. */
export async function forgetListed(em: Em, { taskId, repositoryId }: SyncOfTags): Promise<void> {
  await sql`
    delete from tag_seen seen using sync_listed l, task where task.id = ${taskId} and l.task_id = task.id
      and l.listing = task.listing and l.manifest_id is not null
      and seen.repository_id = ${repositoryId} and seen.name = l.name`.execute(kysely(em));
}

/** One per cent of the selected tags that need no request, at least one, at random. */
export async function sampleListed(
  em: Em,
  { taskId, repositoryId }: SyncOfTags,
): Promise<(PresentTag & { readonly name: string })[]> {
  const found = await sql<PresentTag & { name: string }>`
    with spared as materialized (
      select l.name, l.manifest_id from sync_listed l join task on task.id = l.task_id and task.listing = l.listing
        join tag_membership t on t.name = l.name and t.manifest_id = l.manifest_id
      where l.task_id = ${taskId} and t.repository_id = ${repositoryId} and t.removed_in is null
        and l.name in (${listedNames(taskId)})
    )
    select spared.name, m.id as "manifestId", m.digest, m.media_type as "mediaType", m.is_typed as "isTyped"
    from (select * from spared order by random() limit (select ceil(count(*) / 100.0) from spared)) as spared
      join manifest m on m.id = spared.manifest_id`.execute(kysely(em));
  return found.rows;
}
