import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isHeld } from '../../content/held-blobs.ts';
import { nameVisible } from '../../access/visibility.ts';
import type { Visibility } from '../../access/visibility.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';

/** Stored blobs of all kept versions of the visible repositories. */
export interface StorageFigures {
  /** Each blob once for each repository that holds it. */
  readonly logicalBytes: number;
  /** Each blob once. */
  readonly storedBytes: number;
}

/** As `held`: the blobs of all kept versions of the visible repositories, and how many of these hold each. */
export function heldBlobs(visibility: Visibility): RawBuilder<unknown> {
  return sql`(
    select m.content_id, count(distinct m.repository_id) as repositories
    from membership m join repository r on r.id = m.repository_id
    where m.kind = 'blob' and ${nameVisible(sql`r.name`, visibility)} and ${isHeld(sql`r.id`, sql`m.content_id`)}
    group by m.content_id
  ) as held`;
}

export async function readStorage(em: Em, visibility: Visibility): Promise<StorageFigures> {
  const found = await sql<StorageFigures>`
    select coalesce(sum(b.size_bytes * held.repositories), 0)::bigint as "logicalBytes",
      coalesce(sum(b.size_bytes), 0)::bigint as "storedBytes"
    from ${heldBlobs(visibility)} join blob b on b.id = held.content_id
    where b.stored_at is not null`.execute(kysely(em));
  const [row] = found.rows;
  if (row === undefined) throw new Error('a query of sums returned no row');
  return row;
}
