import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* Results of earlier attempts and syncs. Registries count requests, so they are not repeated. */

/** The names that an earlier attempt has compared, or that a list with digests names as the version has them, with their manifests. */
export async function readWalked(
  em: Em,
  sync: { readonly taskId: number; readonly repositoryId: number },
  names: readonly string[],
): Promise<Map<string, number>> {
  const result = await sql<{ name: string; manifestId: number }>`
    select name, manifest_id as "manifestId" from sync_tag
    where task_id = ${sync.taskId} and name = any(${names}::text[]) and manifest_id is not null
    union all
    select w.name, t.manifest_id from sync_walked w join tag_membership t on t.name = w.name
    where w.task_id = ${sync.taskId} and w.name = any(${names}::text[])
      and t.repository_id = ${sync.repositoryId} and t.removed_in is null
      and not exists (select from sync_tag s where s.task_id = w.task_id and s.name = w.name)
    union
    select l.name, t.manifest_id from sync_listed l join task on task.id = l.task_id and task.listing = l.listing
      join tag_membership t on t.name = l.name and t.manifest_id = l.manifest_id
    where l.task_id = ${sync.taskId} and l.name = any(${names}::text[])
      and t.repository_id = ${sync.repositoryId} and t.removed_in is null
      and not exists (select from sync_tag s where s.task_id = l.task_id and s.name = l.name)`.execute(
    kysely(em),
  );
  return new Map(result.rows.map(({ name, manifestId }) => [name, manifestId]));
}

/** Stores, for the next attempt, the tags that do not differ from the latest version. */
export async function stageWalked(em: Em, taskId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`
    insert into sync_walked (task_id, name)
    select ${taskId}, n from unnest(${[...new Set(names)].sort()}::text[]) as n on conflict do nothing`.execute(
    kysely(em),
  );
}

/** The names among these that an earlier version of the repository has had as tags, as far as its versions are kept. */
export async function readRemovedNames(
  em: Em,
  repositoryId: number,
  names: readonly string[],
): Promise<Set<string>> {
  if (names.length === 0) return new Set();
  const result = await sql<{ name: string }>`
    select distinct name from tag_membership
    where repository_id = ${repositoryId} and removed_in is not null and name = any(${names}::text[])`.execute(
    kysely(em),
  );
  return new Set(result.rows.map(({ name }) => name));
}

/** The tags of the remote at its last failed sync. */
export async function readLeftTags(
  em: Em,
  remoteId: number,
  names: readonly string[],
): Promise<Map<string, Digest>> {
  const result = await sql<{ name: string; digest: Digest }>`
    select name, digest from remote_tag where remote_id = ${remoteId} and name = any(${names}::text[])`.execute(
    kysely(em),
  );
  return new Map(result.rows.map(({ name, digest }) => [name, digest]));
}

/** Stores the results of a failed sync for the next one. */
export async function leaveTags(em: Em, taskId: number): Promise<void> {
  await sql`
    insert into remote_tag (remote_id, name, digest)
    select task.remote_id, s.name, m.digest
    from task join sync_tag s on s.task_id = task.id join manifest m on m.id = s.manifest_id
    where task.id = ${taskId} and task.remote_id is not null
    order by s.name
    on conflict (remote_id, name) do update set digest = excluded.digest`.execute(kysely(em));
}
