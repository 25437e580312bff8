import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { isHeld, keepDelivered, ownsBlob } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/*
 * Knowing a digest gives nothing. Stored content spares a download only where whoever asks may read a repository of which a kept version
 * holds it, where the repository that it is for holds it, or where this very remote has delivered it before. Otherwise it is fetched.
 */

/** The upstream that a remote stood for when the work with it began. */
export interface Origin {
  readonly remoteId: number;
  readonly url: string;
  readonly upstreamName: string;
}

/** For whom content is brought into which repository, and from where. */
export interface Reuse {
  /** What the caller may read; `all`: nothing is asked. */
  readonly visibility: Visibility;
  readonly repositoryId: number;
  readonly origin: Origin;
}

/** Whether stored content with the id in this column spares a download. */
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

/** Whether a blob of this digest spares a download, were it stored. */
export async function mayReuseBlob(em: Em, digest: string, reuse: Reuse): Promise<boolean> {
  const found = await sql`
    select from blob b where b.digest = ${digest} and ${mayReuse('blob', sql`b.id`, reuse)}`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

/** Under which name a blob is fetched where others' must not show (`PushOptions.apart`); undefined where all may read everything. */
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
 * Writes down what the upstream has sent, verified, in the transaction that stores it.
 * @returns how many of the ids are new to the remote.
 * @throws TidemarkError `REMOTE_CHANGED` where the remote stands for another upstream by now: what that one has not sent spares it nothing.
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
    `The remote does not stand for ${upstreamName} at ${url} any more. Nothing was changed; sync again.`,
    { origin: 'caller' },
  );
}

/** A remote that names another upstream begins anew: what the one before has sent spares the new one nothing. */
export async function forgetDelivered(em: Em, remoteId: number): Promise<void> {
  await keepDelivered(em, remoteId);
  await sql`delete from remote_content where remote_id = ${remoteId}`.execute(kysely(em));
}

/** Removes what is left of content that was collected; ids are never given twice. */
export async function sweepDelivered(em: Em): Promise<void> {
  for (const kind of ['manifest', 'blob'] as const)
    await sql`
      delete from remote_content had
      where had.kind = ${kind} and not exists (select from ${sql.table(kind)} c where c.id = had.content_id)`.execute(
      kysely(em),
    );
}
