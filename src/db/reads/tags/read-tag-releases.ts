import { sql } from 'kysely';
import type { Em } from '../../open-database.ts';
import { countByParent } from '../counts.ts';
import { toPages } from '../read-page.ts';
import type { Page } from '../read-page.ts';
import { kysely } from '../../sql.ts';

export interface TagReleaseRow {
  readonly id: number;
  readonly name: string;
  readonly digest: string;
  readonly reason: string;
  /** The name of a token, or the subject of an OIDC login; null while logins were off. */
  readonly releasedBy: string | null;
  readonly releasedAt: Date;
}

/** Newest first, in one statement. */
export async function readTagReleasePages(
  em: Em,
  repositoryIds: readonly number[],
  page: { readonly first: number; readonly after: number | undefined },
): Promise<Page<TagReleaseRow>[]> {
  const found = await sql<TagReleaseRow & { n: number }>`
    select p.n, r.id, r.name, r.digest, r.reason, r.released_at as "releasedAt",
      coalesce(r.released_by ->> 'subject', token.name) as "releasedBy"
    from unnest(${repositoryIds}::bigint[]) with ordinality as p(repository_id, n)
    cross join lateral (
      select * from tag_release where repository_id = p.repository_id and id < ${page.after ?? Number.MAX_SAFE_INTEGER}
      order by id desc limit ${page.first + 1}
    ) as r left join access_token token on token.id = (r.released_by ->> 'id')::bigint
    order by p.n, r.id desc`.execute(kysely(em));
  const rows = found.rows.map((row) => ({ ...row, releasedAt: new Date(row.releasedAt) }));
  return toPages(rows, repositoryIds.length, page.first);
}

export function countTagReleases(em: Em, repositoryIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'tag_release', 'repository_id', repositoryIds);
}
