import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { hostListingStates } from '../schema/remotes.ts';
import { kysely } from '../sql.ts';

/*
 * Which API lists the tags of a host with digests. All syncs and workers share the rows. They expire, because registries are upgraded, and an
 * API that lied may have been repaired.
 */

/** A repository of a host. */
export interface ListedPlace {
  /** The host with all settings that decide who answers for it (upstream/clients/host-scope.ts). */
  readonly scope: string;
  /** Host and port, for people. */
  readonly host: string;
  /** At the upstream. */
  readonly repository: string;
}

export interface KnownListing {
  /** The API that has answered; undefined if none is known. */
  readonly listing: string | undefined;
  /** Lists with digests of this host are not used, whichever API they come from. */
  readonly hasLied: boolean;
  /** The host has no such API, or refuses it for this repository. */
  readonly isRefused: boolean;
  /** A warning waits for a sync of this repository. */
  readonly hasWarning: boolean;
}

/** In the order of the places. */
export async function readKnownListings(em: Em, places: readonly ListedPlace[]): Promise<KnownListing[]> {
  const found = await sql<KnownListing & { listing: string | null }>`
    select max(h.listing) as listing, coalesce(bool_or(h.state = 'LIED'), false) as "hasLied",
      coalesce(bool_or(h.state in ('ABSENT', 'REFUSED')), false) as "isRefused",
      coalesce(bool_or(h.warning is not null), false) as "hasWarning"
    from unnest(${places.map(({ scope }) => scope)}::text[], ${places.map(({ repository }) => repository)}::text[])
        with ordinality as p(scope, repository, n)
      left join host_listing h on h.scope = p.scope and h.repository in ('', p.repository) and h.until > clock_timestamp()
    group by p.n order by p.n`.execute(kysely(em));
  return found.rows.map((row) => ({ ...row, listing: row.listing ?? undefined }));
}

export interface NotedListing extends Omit<ListedPlace, 'repository'> {
  /** Default: the whole host. */
  readonly repository?: string;
  readonly state: (typeof hostListingStates)[number];
  readonly listing?: string;
  readonly seconds: number;
  readonly warning?: string;
}

/** Remembers it, in place of what was known. A lie is not forgotten for anything else. */
export async function noteListing(em: Em, noted: NotedListing): Promise<void> {
  const { scope, host, repository = '', state, listing = null, seconds, warning = null } = noted;
  await sql`
    with expired as (delete from host_listing where until <= clock_timestamp() and (scope, repository) <> (${scope}, ${repository}))
    insert into host_listing as h (scope, host, repository, state, listing, until, warning)
    values (${scope}, ${host}, ${repository}, ${state}, ${listing}, clock_timestamp() + make_interval(secs => ${seconds}), ${warning})
    on conflict (scope, repository) do update set state = excluded.state, listing = excluded.listing, until = excluded.until,
      warning = excluded.warning
    where excluded.state = 'LIED' or h.state <> 'LIED' or h.until <= clock_timestamp()`.execute(kysely(em));
}

/** The warning that waits for a sync of the repository. One sync gets it. */
export async function takeListingWarning(
  em: Em,
  { scope, repository }: ListedPlace,
): Promise<string | undefined> {
  const found = await sql<{ warning: string }>`
    with taken as (
      select warning from host_listing where scope = ${scope} and repository = ${repository} and warning is not null for update)
    update host_listing h set warning = null from taken where h.scope = ${scope} and h.repository = ${repository}
    returning taken.warning`.execute(kysely(em));
  return found.rows[0]?.warning;
}
