import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { TagOrder } from '../../selection/tag-rules.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* The times by which `newestTags` ranks tags: when a sync first saw the name, and when the image was created. */

export interface ListedTime {
  readonly firstSeenAt: Date;
  /** The digest whose creation time is known. */
  readonly digest: Digest | null;
  /** Null: the image has none, or `digest` is null. */
  readonly createdAt: Date | null;
}

/**
 * Records these names of the upstream's list. A name that an earlier version of the repository had is as old as the first such version.
 * @returns by name
 */
export async function seeNames(
  em: Em,
  repositoryId: number,
  names: readonly string[],
): Promise<Map<string, ListedTime>> {
  await sql`
    insert into listed_tag (repository_id, name, first_seen_at)
    select ${repositoryId}::bigint, listed.name, coalesce((
      select min(v.created_at) from tag_membership t
        join repository_version v on v.repository_id = t.repository_id and v.number = t.added_in
      where t.repository_id = ${repositoryId} and t.name = listed.name), clock_timestamp())
    from (select distinct n collate "C" as name from unnest(${names}::text[]) as n) as listed
    where not exists (select from listed_tag l where l.repository_id = ${repositoryId} and l.name = listed.name)
    order by listed.name on conflict do nothing`.execute(kysely(em));
  return readListedTimes(em, repositoryId, names);
}

/** Names that no sync has seen are absent. */
export async function readListedTimes(
  em: Em,
  repositoryId: number,
  names: readonly string[],
): Promise<Map<string, ListedTime>> {
  const found = await sql<ListedTime & { name: string }>`
    select name, first_seen_at as "firstSeenAt", digest, created_at as "createdAt" from listed_tag
    where repository_id = ${repositoryId} and name = any(${names}::text[])`.execute(kysely(em));
  return new Map(
    found.rows.map(({ name, firstSeenAt, digest, createdAt }) => [
      name,
      {
        firstSeenAt: new Date(firstSeenAt),
        digest,
        createdAt: createdAt === null ? null : new Date(createdAt),
      },
    ]),
  );
}

/** Of these digests, those whose creation time a sync of the repository has read. */
export async function readCreated(
  em: Em,
  repositoryId: number,
  digests: readonly Digest[],
): Promise<Map<Digest, Date | null>> {
  const found = await sql<{ digest: Digest; createdAt: Date | null }>`
    select distinct digest, created_at as "createdAt" from listed_tag
    where repository_id = ${repositoryId} and digest = any(${digests}::text[])`.execute(kysely(em));
  return new Map(
    found.rows.map(({ digest, createdAt }) => [digest, createdAt === null ? null : new Date(createdAt)]),
  );
}

/** Stores creation times of names that `seeNames` has recorded. */
export async function writeCreated(
  em: Em,
  repositoryId: number,
  tags: readonly { readonly name: string; readonly digest: Digest; readonly createdAt: Date | null }[],
): Promise<void> {
  if (tags.length === 0) return;
  await sql`
    update listed_tag l set digest = v.digest, created_at = v.created_at
    from unnest(${tags.map(({ name }) => name)}::text[], ${tags.map(({ digest }) => digest)}::text[],
      ${tags.map(({ createdAt }) => createdAt?.toISOString() ?? null)}::timestamptz[]) as v(name, digest, created_at)
    where l.repository_id = ${repositoryId} and l.name = v.name`.execute(kysely(em));
}

/** The stored times, in milliseconds. */
export async function readTimes(
  em: Em,
  repositoryId: number,
  order: TagOrder,
  names: readonly string[],
): Promise<Map<string, number>> {
  if (order === 'SEMVER' || names.length === 0) return new Map();
  const listed = await readListedTimes(em, repositoryId, names);
  return new Map(
    [...listed].flatMap(([name, time]) => {
      const at = order === 'CREATED' ? time.createdAt : time.firstSeenAt;
      return at === null ? [] : [[name, at.getTime()] as const];
    }),
  );
}
