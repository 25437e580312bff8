import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { toPage } from './read-page.ts';
import type { Page } from './read-page.ts';
import { waitingTags } from '../outcomes/tag-releases.ts';
import { kysely } from '../sql.ts';

export interface WaitingTag {
  readonly name: string;
  readonly digest: string;
  readonly firstSeenAt: Date;
  readonly dueAt: Date;
}

interface Waiting {
  readonly repositoryId: number;
  /** The minimum age. */
  readonly seconds: number;
}

/** In the order of their names. */
export async function readWaitingTags(
  em: Em,
  waiting: Waiting,
  page: { readonly first: number; readonly after: string | undefined },
): Promise<Page<WaitingTag>> {
  const found = await sql<WaitingTag>`
    select s.name, s.digest, s.first_seen_at as "firstSeenAt", s.first_seen_at + make_interval(secs => ${waiting.seconds}) as "dueAt"
    from ${waitingTags(waiting.repositoryId)} as s where s.name > ${page.after ?? ''} order by s.name limit ${page.first + 1}`.execute(
    kysely(em),
  );
  const rows = found.rows.map((row) => ({
    ...row,
    firstSeenAt: new Date(row.firstSeenAt),
    dueAt: new Date(row.dueAt),
  }));
  return toPage(rows, page.first);
}

export async function countWaitingTags(em: Em, waiting: Waiting): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count from ${waitingTags(waiting.repositoryId)} as s`.execute(kysely(em));
  return found.rows[0]?.count ?? 0;
}
