import { sql } from 'kysely';
import type { Em } from '../../open-database.ts';
import { toPages } from '../read-page.ts';
import type { Page } from '../read-page.ts';
import { waitingTags } from '../../outcomes/tag-releases.ts';
import { kysely } from '../../sql.ts';

export interface WaitingTag {
  readonly name: string;
  readonly digest: string;
  readonly firstSeenAt: Date;
  readonly dueAt: Date;
}

export interface WaitingOf {
  readonly repositoryId: number;
  /** The minimum age; null: none, so that nothing waits. */
  readonly seconds: number | null;
}

/** In the order of their names, in one statement. */
export async function readWaitingPages(
  em: Em,
  repositories: readonly WaitingOf[],
  page: { readonly first: number; readonly after: string | undefined },
): Promise<Page<WaitingTag>[]> {
  const found = await sql<WaitingTag & { n: number }>`
    select p.n, s.name, s.digest, s.first_seen_at as "firstSeenAt", s.first_seen_at + make_interval(secs => p.seconds) as "dueAt"
    from ${parents(repositories)} cross join lateral (
      select * from ${waitingTags(sql.ref('p.repository_id'))} as w
      where w.name > ${page.after ?? ''} and p.seconds is not null order by w.name limit ${page.first + 1}
    ) as s order by p.n, s.name`.execute(kysely(em));
  const rows = found.rows.map(({ n, name, digest, firstSeenAt, dueAt }) => ({
    n,
    name,
    digest,
    firstSeenAt: new Date(firstSeenAt),
    dueAt: new Date(dueAt),
  }));
  return toPages(rows, repositories.length, page.first);
}

export async function countWaitingTags(em: Em, repositories: readonly WaitingOf[]): Promise<number[]> {
  const found = await sql<{ count: number }>`
    select (select count(*) from ${waitingTags(sql.ref('p.repository_id'))} as w where p.seconds is not null) as count
    from ${parents(repositories)} order by p.n`.execute(kysely(em));
  return found.rows.map(({ count }) => count);
}

function parents(repositories: readonly WaitingOf[]) {
  return sql`unnest(${repositories.map(({ repositoryId }) => repositoryId)}::bigint[],
    ${repositories.map(({ seconds }) => seconds)}::float8[]) with ordinality as p(repository_id, seconds, n)`;
}
