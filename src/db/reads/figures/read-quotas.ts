import { sql } from 'kysely';
import { nameVisible } from '../../access/visibility.ts';
import type { Visibility } from '../../access/visibility.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';
import { toPage } from '../read-page.ts';
import type { Page } from '../read-page.ts';

/** What a host has last announced to one account. */
export interface UpstreamQuota {
  readonly scope: string;
  readonly host: string;
  /** The remote that was told last. */
  readonly remoteId: number;
  readonly limit: number | null;
  readonly remaining: number;
  readonly windowSeconds: number | null;
  readonly resetsAt: Date | null;
  readonly readAt: Date;
}

/** Host and scope of the last row of the page before. */
export type QuotaPlace = Pick<UpstreamQuota, 'host' | 'scope'>;

/** The quotas of visible remotes that still say something, by host. */
export async function readUpstreamQuotas(
  em: Em,
  visibility: Visibility,
  { first, after = { host: '', scope: '' } }: { readonly first: number; readonly after?: QuotaPlace },
): Promise<Page<UpstreamQuota>> {
  const found = await sql<UpstreamQuota>`
    select distinct on (q.host, q.scope) q.scope, q.host, q.remote_id as "remoteId", q.request_limit as "limit", q.remaining,
      q.window_seconds as "windowSeconds", q.resets_at as "resetsAt", q.read_at as "readAt"
    from ${known(visibility)} and (q.host, q.scope) > (${after.host}, ${after.scope})
    order by q.host, q.scope, q.read_at desc limit ${first + 1}`.execute(kysely(em));
  const rows = found.rows.map(({ resetsAt, readAt, ...row }) => ({
    ...row,
    resetsAt: resetsAt === null ? null : new Date(resetsAt),
    readAt: new Date(readAt),
  }));
  return toPage(rows, first);
}

export async function countUpstreamQuotas(em: Em, visibility: Visibility): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(distinct q.scope) as count from ${known(visibility)}`.execute(kysely(em));
  return found.rows[0]?.count ?? 0;
}

function known(visibility: Visibility) {
  return sql`announced_quota q join remote on remote.id = q.remote_id
    where q.known_until > clock_timestamp() and ${nameVisible(sql`remote.name`, visibility)}`;
}
