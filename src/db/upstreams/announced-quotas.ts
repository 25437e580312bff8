import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A quota that a host has announced to a remote. */
export interface AnnouncedQuota {
  /** The host with all settings that decide who answers for it (upstream/clients/host-scope.ts). */
  readonly scope: string;
  readonly remoteId: number;
  /** Host and port, for people. */
  readonly host: string;
  readonly limit: number | undefined;
  readonly remaining: number;
  readonly windowMs: number | undefined;
  /** Milliseconds until the window ends. */
  readonly resetMs: number | undefined;
  /** Milliseconds until it says nothing any more. */
  readonly knownMs: number;
}

/** In one statement. A remote that was deleted meanwhile is left out. */
export async function noteAnnouncedQuotas(em: Em, quotas: readonly AnnouncedQuota[]): Promise<void> {
  await sql`
    insert into announced_quota
      (scope, remote_id, host, request_limit, remaining, window_seconds, resets_at, read_at, known_until)
    select q.scope, q.remote_id, q.host, q.request_limit, q.remaining, (q.window_ms / 1000)::bigint,
      clock_timestamp() + make_interval(secs => q.reset_ms / 1000), clock_timestamp(),
      clock_timestamp() + make_interval(secs => q.known_ms / 1000)
    from unnest(${quotas.map(({ scope }) => scope)}::text[], ${quotas.map(({ remoteId }) => remoteId)}::bigint[],
      ${quotas.map(({ host }) => host)}::text[], ${quotas.map(({ limit }) => limit ?? null)}::bigint[],
      ${quotas.map(({ remaining }) => remaining)}::bigint[], ${quotas.map(({ windowMs }) => windowMs ?? null)}::float8[],
      ${quotas.map(({ resetMs }) => resetMs ?? null)}::float8[], ${quotas.map(({ knownMs }) => knownMs)}::float8[])
      as q(scope, remote_id, host, request_limit, remaining, window_ms, reset_ms, known_ms)
    where exists (select from remote where remote.id = q.remote_id)
    order by q.scope, q.remote_id
    on conflict (scope, remote_id) do update set host = excluded.host, request_limit = excluded.request_limit,
      remaining = excluded.remaining, window_seconds = excluded.window_seconds, resets_at = excluded.resets_at,
      read_at = excluded.read_at, known_until = excluded.known_until`.execute(kysely(em));
}

/** A remote that has changed has another scope, so its rows are never written again. */
export async function removeOldQuotas(em: Em): Promise<void> {
  await sql`delete from announced_quota where known_until < clock_timestamp()`.execute(kysely(em));
}
