import { sql } from 'kysely';
import { isHeldBySeen } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { toPages } from './read-page.ts';
import type { Page } from './read-page.ts';
import { inVersion, versionRows } from './tags/read-tags.ts';
import type { ContentChange } from './tags/read-tags.ts';
import type { VersionKey } from './read-versions.ts';
import { kysely } from '../sql.ts';
import { contentVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface ContentPageArguments {
  readonly kind: 'manifest' | 'blob' | 'signature';
  readonly first: number;
  /** Id of the last row of the previous page. */
  readonly after: number | undefined;
  readonly change: ContentChange;
}

/** A page of ids of each version's content, ordered by id, in one statement. */
export async function readContentPages(
  em: Em,
  versions: readonly VersionKey[],
  page: ContentPageArguments,
): Promise<Page<{ id: number }>[]> {
  const found = await sql<{ n: number; id: number }>`
    select p.n, t.content_id as id from ${versionRows(versions)}
    cross join lateral (
      select content_id from membership t
      where t.repository_id = p.repository_id and t.kind = ${page.kind} and ${inVersion(page.change)}
        and t.content_id > ${page.after ?? 0}
      order by t.content_id limit ${page.first + 1}
    ) as t order by p.n, t.content_id`.execute(kysely(em));
  return toPages(found.rows, versions.length, page.first);
}

export interface BlobRow {
  readonly id: number;
  readonly digest: string;
  /** The stored size if a visible repository holds the blob, otherwise the claimed one. */
  readonly sizeBytes: number;
  readonly mediaType: string | null;
  readonly isStored: boolean;
}

/** Media type and claimed size are those of the first visible manifest with the blob. */
export async function readBlobs(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(BlobRow | undefined)[]> {
  const found = await sql<BlobRow>`
    select b.id, b.digest, coalesce(case when held.here then b.size_bytes end, u.size_bytes, 0)::bigint as "sizeBytes",
      u.media_type as "mediaType", b.stored_at is not null and held.here as "isStored"
    from blob b cross join lateral (select ${isHeldBySeen(sql`b.id`, visibility)} as here) as held
      left join lateral (
        select e.media_type, e.size_bytes from manifest_blob e
        where e.blob_id = b.id and ${contentVisible('manifest', sql`e.manifest_id`, visibility)}
        order by e.manifest_id, e.position limit 1
      ) as u on true
    where b.id = any(${ids}::bigint[]) and ${contentVisible('blob', sql`b.id`, visibility)}`.execute(
    kysely(em),
  );
  const byId = new Map(found.rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}
