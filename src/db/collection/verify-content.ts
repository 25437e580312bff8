import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { addToReport } from '../tasks/upkeep-tasks.ts';

export interface StoredBlob {
  readonly id: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * Blobs that are marked as stored, ordered by id; with `lastHours`, only those stored in that time before the latest.
 */
export async function readStoredBlobs(
  em: Em,
  page: { readonly afterId: number; readonly limit: number; readonly lastHours?: number },
): Promise<StoredBlob[]> {
  const { lastHours } = page;
  const isRecent =
    lastHours === undefined
      ? sql`true`
      : sql`stored_at > (select max(stored_at) from blob) - make_interval(hours => ${lastHours})`;
  const found = await sql<StoredBlob>`
    select id, digest, size_bytes as "sizeBytes" from blob
    where id > ${page.afterId} and stored_at is not null and size_bytes is not null and ${isRecent}
    order by id limit ${page.limit}`.execute(kysely(em));
  return found.rows;
}

/** At most ten. */
export async function readHolders(em: Em, blobId: number): Promise<string[]> {
  const found = await sql<{ name: string }>`
    select distinct r.name from membership m join repository r on r.id = m.repository_id
    where m.kind = 'blob' and m.content_id = ${blobId} and m.removed_in is null order by r.name limit 10`.execute(
    kysely(em),
  );
  return found.rows.map(({ name }) => name);
}

/** The blobs are served as 404 until the next sync or push stores them (fault 84). */
export async function markNotStored(em: Em, ids: readonly number[]): Promise<void> {
  await sql`
    with lost as (select id from blob where id = any(${ids}::bigint[]) order by id for no key update)
    update blob b set stored_at = null, size_bytes = null from lost where b.id = lost.id`.execute(kysely(em));
}

/**
 * Hashes stored manifests and drops those with a wrong digest. They are served as 404 until the next sync fetches them.
 * @returns the last id; undefined if there was none.
 */
export async function verifyManifests(
  em: Em,
  page: { readonly taskId: number; readonly afterId: number; readonly limit: number },
): Promise<number | undefined> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const looked = await sql<{ id: number; isRight: boolean }>`
      select id, digest = split_part(digest, ':', 1) || ':' || encode(
        case when digest like 'sha512:%' then sha512(raw) else sha256(raw) end, 'hex') as "isRight"
      from manifest where id > ${page.afterId} and raw is not null order by id limit ${page.limit}`.execute(
      db,
    );
    const wrong = looked.rows.filter((row) => !row.isRight).map((row) => row.id);
    if (wrong.length > 0)
      await sql`update manifest set raw = null where id = any(${wrong}::bigint[])`.execute(db);
    await addToReport(transaction, page.taskId, {
      manifests: looked.rows.length,
      damagedManifests: wrong.length,
    });
    return looked.rows.at(-1)?.id;
  });
}
