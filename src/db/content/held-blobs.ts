import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Draft } from '../versions/draft.ts';
import { newRoots } from '../versions/memberships.ts';
import { isKeptNow } from './absences.ts';
import { reachFrom } from './reach.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/*
 * With ON_DEMAND, STREAMED and pull-through, a repository gets manifests without their layers. Such a blob has rows in
 * `repository_source`. The repository *holds* the blob when its remote has delivered it, or when the caller who brought
 * it had the right to it. Until then it is not served, even if others have stored it.
 */

/** Whether the repository holds the blob. True as well for blobs that it does not have by name only. */
export function isHeld(repositoryId: RawBuilder<unknown>, blobId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce((
    select bool_or(named.is_held or exists (select from remote_content had
      where had.remote_id = named.remote_id and had.kind = 'blob' and had.content_id = named.blob_id))
    from repository_source named where named.repository_id = ${repositoryId} and named.blob_id = ${blobId}), true)`;
}

/** The stored blobs among these digests that the repository holds. */
export async function findHeld(
  em: Em,
  repositoryId: number,
  digests: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await sql<{ digest: string }>`
    select b.digest from blob b where b.digest = any(${[...new Set(digests)]}::text[]) and b.stored_at is not null
      and ${isHeld(sql`${repositoryId}::bigint`, sql`b.id`)}`.execute(kysely(em));
  return new Set(found.rows.map((row) => row.digest));
}

/** Whether a version of the repository, or an upload to it, has the blob, and the repository holds it. */
export function ownsBlob(
  repositoryId: RawBuilder<unknown>,
  blobId: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`((exists (select from membership own where own.repository_id = ${repositoryId} and own.kind = 'blob'
      and own.content_id = ${blobId})
    or exists (select from repository_blob own where own.repository_id = ${repositoryId} and own.blob_id = ${blobId}))
    and ${isHeld(repositoryId, blobId)})`;
}

/** Whether a visible repository holds the blob: only then its stored size is revealed. */
export function isHeldBySeen(blobId: RawBuilder<unknown>, visibility: Visibility): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  return sql`exists (select from repository seen join membership held on held.repository_id = seen.id
    and held.kind = 'blob' and held.content_id = ${blobId}
    where ${nameVisible(sql`seen.name`, visibility)} and ${isHeld(sql`seen.id`, blobId)})`;
}

/** The repository holds these blobs from now on. */
export async function holdBlobs(em: Em, repositoryId: number, blobs: RawBuilder<unknown>): Promise<void> {
  await sql`
    update repository_source set is_held = true
    where repository_id = ${repositoryId} and not is_held and blob_id in (${blobs})`.execute(kysely(em));
}

/**
 * Copies the sources of the blobs of a draft's new tags and roots. Remotes that the caller may not use are not copied.
 * Blobs that the source has by name only are not held by the copy either.
 */
export async function copySources(
  em: Em,
  draft: Draft,
  from: { readonly repositoryId: number; readonly usableRemotes: Visibility },
): Promise<void> {
  const { repositoryId } = draft;
  const db = kysely(em);
  const copied = sql`(
    with recursive ${reachFrom(newRoots(draft), isKeptNow(repositoryId))}
    select edge.blob_id from reach join manifest_blob edge on edge.manifest_id = reach.id and not edge.is_foreign)`;
  const blob = sql`s.blob_id`;
  await sql`
    insert into repository_source as kept (repository_id, blob_id, remote_id, is_held)
    select ${repositoryId}, s.blob_id, usable.id,
      bool_or(${isHeld(sql`s.repository_id`, blob)} or ${ownsBlob(sql`${repositoryId}::bigint`, blob)})
    from repository_source s left join repository own on own.id = ${repositoryId}
      left join remote usable on usable.id = s.remote_id
        and (usable.id = own.remote_id or ${nameVisible(sql`usable.name`, from.usableRemotes)})
    where s.repository_id = ${from.repositoryId} and s.blob_id in ${copied}
    group by s.blob_id, usable.id order by s.blob_id, usable.id
    on conflict (repository_id, blob_id, remote_id) do update set is_held = kept.is_held or excluded.is_held`.execute(
    db,
  );
  const held = sql`select m.content_id from membership m
    where m.repository_id = ${from.repositoryId} and m.kind = 'blob' and m.content_id in ${copied}
      and ${isHeld(sql`m.repository_id`, sql`m.content_id`)}`;
  await holdBlobs(em, repositoryId, held);
}

/**
 * Repositories keep what a remote delivered to them when it is deleted or gets another upstream. Call it before the
 * deliveries are forgotten.
 */
export async function keepDelivered(em: Em, remoteId: number): Promise<void> {
  await sql`
    update repository_source s set is_held = true
    where s.remote_id = ${remoteId} and not s.is_held and exists (select from remote_content had
      where had.remote_id = s.remote_id and had.kind = 'blob' and had.content_id = s.blob_id)`.execute(
    kysely(em),
  );
}
