import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { isHeld, keepDelivered, ownsBlob } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/*
 * Knowing a digest grants nothing. Stored content is reused only if the caller may read a repository with a version that
 * has it, if the target repository holds it, or if this remote has delivered it before.
 */

/** The upstream of a remote when the work began. */
export interface Origin {
  readonly remoteId: number;
  readonly url: string;
  readonly upstreamName: string;
}

export interface Reuse {
  /** The caller's visibility; `all` skips the check. */
  readonly visibility: Visibility;
  readonly repositoryId: number;
  readonly origin: Origin;
}

/** Whether stored content with the id in this column may be reused. */
export function mayReuse(
  kind: 'manifest' | 'blob',
  contentId: RawBuilder<unknown>,
  { visibility, repositoryId, origin }: Reuse,
): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  const own = sql`${repositoryId}::bigint`;
  const isOwn =
    kind === 'blob'
      ? ownsBlob(own, contentId)
      : sql`exists (select from membership own where own.repository_id = ${own} and own.kind = 'manifest' and own.content_id = ${contentId})`;
  const isHeldThere = kind === 'blob' ? sql`and ${isHeld(sql`seen.id`, contentId)}` : sql``;
  return sql`(${wasDelivered(kind, contentId, origin)} or ${isOwn} or exists (
    select from repository seen join membership held on held.repository_id = seen.id and held.kind = ${kind}
      and held.content_id = ${contentId}
    where ${nameVisible(sql`seen.name`, visibility)} ${isHeldThere}))`;
}

/** Whether a blob of this digest could be reused if it were stored. */
export async function mayReuseBlob(em: Em, digest: string, reuse: Reuse): Promise<boolean> {
  const found = await sql`
    select from blob b where b.digest = ${digest} and ${mayReuse('blob', sql`b.id`, reuse)}`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/**
 * The scope of a blob's download if those of others must stay hidden (`PushOptions.apart`); undefined if the caller may
 * read everything.
 */
export function apartOf({ visibility, origin }: Pick<Reuse, 'visibility' | 'origin'>): string | undefined {
  return visibility.all ? undefined : `r${origin.remoteId}`;
}

function wasDelivered(
  kind: 'manifest' | 'blob',
  contentId: RawBuilder<unknown>,
  { remoteId }: Origin,
): RawBuilder<unknown> {
  return sql`exists (select from remote_content had
    where had.remote_id = ${remoteId} and had.kind = ${kind} and had.content_id = ${contentId})`;
}

/**
 * Records verified content from the upstream, in the transaction that stores it.
 * @returns the number of ids that are new to the remote.
 * @throws TidemarkError `REMOTE_CHANGED` if the remote has another upstream now, which has not delivered it.
 */
export async function recordDelivered(
  em: Em,
  { remoteId, url, upstreamName }: Origin,
  kind: 'manifest' | 'blob',
  contentIds: readonly number[],
): Promise<number> {
  if (contentIds.length === 0) return 0;
  const sorted = [...new Set(contentIds)].sort((a, b) => a - b);
  const recorded = await sql<{ isSame: boolean; fresh: number }>`
    with origin as materialized (
      select id from remote where id = ${remoteId} and url = ${url} and upstream_name = ${upstreamName} for share
    ),
    fresh as (
      insert into remote_content (remote_id, kind, content_id)
      select origin.id, ${kind}, sent.id from origin, unnest(${sorted}::bigint[]) as sent(id)
      where not exists (select from remote_content had
        where had.remote_id = ${remoteId} and had.kind = ${kind} and had.content_id = sent.id)
      order by sent.id on conflict do nothing returning content_id
    )
    select exists (select from origin) as "isSame", (select count(*) from fresh) as fresh`.execute(
    kysely(em),
  );
  const row = recorded.rows[0];
  if (row?.isSame === true) return row.fresh;
  throw new TidemarkError(
    'REMOTE_CHANGED',
    `The remote has another upstream than ${upstreamName} at ${url} now. Nothing was changed. Sync again.`,
    { origin: 'caller' },
  );
}

/** Call it when a remote gets another upstream, which has delivered nothing yet. */
export async function forgetDelivered(em: Em, remoteId: number): Promise<void> {
  await keepDelivered(em, remoteId);
  await kysely(em).deleteFrom('remote_content').where('remote_id', '=', remoteId).execute();
}

/** Removes the records of collected content. Ids are never reused. */
export async function sweepDelivered(em: Em): Promise<void> {
  for (const kind of ['manifest', 'blob'] as const)
    await sql`
      delete from remote_content had
      where had.kind = ${kind} and not exists (select from ${sql.table(kind)} c where c.id = had.content_id)`.execute(
      kysely(em),
    );
}
