import { sql } from 'kysely';
import { holdBlobs, isHeld } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import type { Reuse } from './reuse.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';

/* The rights to stored blobs, in `planContent`'s table `wanted(id, is_ours, …)`. */

/** Applies `mayReuse` to the set: one look-up per blob and repository would take minutes. */
export async function findOurs(em: Em, { visibility, repositoryId, origin }: Reuse): Promise<void> {
  const db = kysely(em);
  await sql`
    update wanted set is_ours = true from remote_content had
    where had.remote_id = ${origin.remoteId} and had.kind = 'blob' and had.content_id = wanted.id`.execute(
    db,
  );
  const holds = sql`(seen.id = ${repositoryId} or ${nameVisible(sql`seen.name`, visibility)})`;
  await sql`
    update wanted set is_ours = true where not is_ours and id in (
      select held.content_id from repository seen join membership held on held.repository_id = seen.id and held.kind = 'blob'
        join wanted asked on asked.id = held.content_id and not asked.is_ours
      where ${holds} and ${isHeld(sql`seen.id`, sql`held.content_id`)}
      union all
      select up.blob_id from repository_blob up join wanted asked on asked.id = up.blob_id and not asked.is_ours
      where up.repository_id = ${repositoryId})`.execute(db);
}

/**
 * The repository holds the reusable blobs from now on. With sources, the others are recorded by name only; stored ones
 * as well, so that a pull can fetch them again if they are lost.
 */
export async function recordWanted(
  em: Em,
  { repositoryId, origin }: Reuse,
  { withSources }: { readonly withSources: boolean },
): Promise<void> {
  const db = kysely(em);
  // Locked first, as changes of the remote do.
  if (withSources) await sql`select from remote where id = ${origin.remoteId} for key share`.execute(db);
  await holdBlobs(em, repositoryId, sql`select id from wanted where is_ours`);
  if (!withSources) return;
  await sql`
    insert into repository_source as kept (repository_id, blob_id, remote_id, is_held)
    select ${repositoryId}, wanted.id, remote.id, wanted.is_ours from wanted join remote on remote.id = ${origin.remoteId}
    order by wanted.id
    on conflict (repository_id, blob_id, remote_id) do update set is_held = true
    where excluded.is_held and not kept.is_held`.execute(db);
}
