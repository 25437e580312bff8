import { sql } from 'kysely';
import type { Em } from '../../open-database.ts';
import { toPage } from '../read-page.ts';
import type { Page } from '../read-page.ts';
import { kysely } from '../../sql.ts';

export interface TagHistoryRow {
  readonly number: number;
  readonly outcome: 'ADDED' | 'MOVED' | 'REMOVED';
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

/*
 * From the membership ranges: a range that begins where another ends is a move, one that ends alone is a removal.
 * Removed versions are left out.
 */
function changesOf(repositoryId: number, name: string) {
  return sql`
    range as (
      select t.added_in, t.removed_in, m.digest, lag(t.removed_in) over ranges as before_until, lag(m.digest) over ranges as before_digest,
        lead(t.added_in) over ranges as next_from
      from tag_membership t join manifest m on m.id = t.manifest_id
      where t.repository_id = ${repositoryId} and t.name = ${name}
      window ranges as (order by t.added_in)
    ),
    change(number, outcome, "oldDigest", "newDigest") as (
      select added_in, case when before_until = added_in then 'MOVED' else 'ADDED' end,
        case when before_until = added_in then before_digest end, digest
      from range
      union all
      select removed_in, 'REMOVED', digest, null from range
      where removed_in is not null and next_from is distinct from removed_in
    ),
    kept as (
      select change.* from change
      join repository_version v on v.repository_id = ${repositoryId} and v.number = change.number
    )`;
}

/** Newest first. */
export async function readTagHistory(
  em: Em,
  tag: { readonly repositoryId: number; readonly name: string },
  page: { readonly first: number; readonly after: number | undefined },
): Promise<Page<TagHistoryRow>> {
  const found = await sql<TagHistoryRow>`
    with ${changesOf(tag.repositoryId, tag.name)}
    select * from kept where number < ${page.after ?? 2_147_483_647}
    order by number desc limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export async function countTagHistory(
  em: Em,
  tag: { readonly repositoryId: number; readonly name: string },
): Promise<number> {
  const found = await sql<{ count: number }>`
    with ${changesOf(tag.repositoryId, tag.name)} select count(*) as count from kept`.execute(kysely(em));
  return found.rows[0]?.count ?? 0;
}
