import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { ContentCounts, VersionCounts } from '../schema/versions.ts';
import { kysely } from '../sql.ts';
import type { Draft } from './draft.ts';

/** The counts of a version. An untagged root or an absent child is a change as well, though no content may change. */
export async function countChanges(
  em: Em,
  { repositoryId, number, latest }: Draft,
): Promise<{ readonly counts: VersionCounts; readonly changes: number }> {
  const db = kysely(em);
  const side = (kind: RawBuilder<unknown>, table: string) => sql`
    select ${kind} as kind, 1 as added, 0 as removed from ${sql.table(table)}
    where repository_id = ${repositoryId} and added_in = ${number}
    union all
    select ${kind}, 0, 1 from ${sql.table(table)} where repository_id = ${repositoryId} and removed_in = ${number}`;
  const changed = await sql<{ kind: string; added: number; removed: number }>`
    select kind, sum(added)::bigint as added, sum(removed)::bigint as removed from (
      ${side(sql`kind`, 'membership')}
      union all ${side(sql`'tag'`, 'tag_membership')}
      union all ${side(sql`'root'`, 'root_membership')}
      union all ${side(sql`'absence'`, 'absent_child')}
    ) as change group by kind`.execute(db);
  const before = await db
    .selectFrom('repository_version')
    .select('counts')
    .where('repository_id', '=', repositoryId)
    .where('number', '=', latest)
    .execute();
  const of = (kind: string, which: 'added' | 'removed') =>
    changed.rows.find((row) => row.kind === kind)?.[which] ?? 0;
  const pick = (which: 'added' | 'removed'): ContentCounts => ({
    blobs: of('blob', which),
    manifests: of('manifest', which),
    tags: of('tag', which),
    signatures: of('signature', which),
  });
  const added = pick('added');
  const removed = pick('removed');
  const was = before[0]?.counts.present ?? { blobs: 0, manifests: 0, tags: 0, signatures: 0 };
  const present = {
    blobs: was.blobs + added.blobs - removed.blobs,
    manifests: was.manifests + added.manifests - removed.manifests,
    tags: was.tags + added.tags - removed.tags,
    signatures: was.signatures + added.signatures - removed.signatures,
  };
  const others = ['root', 'absence'].map((kind) => of(kind, 'added') + of(kind, 'removed'));
  const changes = countAll(added) + countAll(removed) + others.reduce((sum, count) => sum + count, 0);
  return { counts: { present, added, removed }, changes };
}

function countAll(counts: ContentCounts): number {
  return counts.blobs + counts.manifests + counts.tags + counts.signatures;
}
