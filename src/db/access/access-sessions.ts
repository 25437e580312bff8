import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Identity } from '../schema/columns/identity.ts';
import { kysely } from '../sql.ts';

/** The caller of a session. */
export type SessionHolder = Extract<Identity, { kind: 'token' | 'subject' }>;

export interface NewSession {
  readonly hash: Buffer;
  readonly holder: SessionHolder;
  readonly expiresAt: Date;
}

/** Sessions of one caller. A further one ends the oldest. */
export const sessionsPerCaller = 100;

export async function insertSession(em: Em, { hash, holder, expiresAt }: NewSession): Promise<void> {
  const [tokenId, subject, groups] =
    holder.kind === 'token' ? [holder.id, null, []] : [null, holder.subject, holder.groups];
  const isHolder = holder.kind === 'token' ? sql`token_id = ${tokenId}` : sql`oidc_subject = ${subject}`;
  await sql`
    with ended as (
      delete from access_session where id in (
        select id from access_session where ${isHolder} order by id desc offset ${sessionsPerCaller - 1})
    )
    insert into access_session (hash, token_id, oidc_subject, oidc_groups, expires_at)
    values (${hash}, ${tokenId}, ${subject}, ${groups}::text[], ${expiresAt})`.execute(kysely(em));
}

export interface LiveSession {
  readonly holder: SessionHolder;
  readonly expiresAt: Date;
}

interface SessionRow {
  readonly tokenId: number | null;
  readonly subject: string | null;
  readonly groups: readonly string[];
  readonly expiresAt: Date;
  readonly isUnseen: boolean;
}

/** Undefined if it is unknown or expired. Records the use, at most once a minute. */
export async function useSession(em: Em, hash: Buffer): Promise<LiveSession | undefined> {
  const db = kysely(em);
  const found = await sql<SessionRow>`
    select token_id as "tokenId", oidc_subject as subject, oidc_groups as groups, expires_at as "expiresAt",
      used_at < now() - interval '1 minute' as "isUnseen"
    from access_session where hash = ${hash} and expires_at > now()`.execute(db);
  const [row] = found.rows;
  if (row === undefined) return undefined;
  if (row.isUnseen) await sql`update access_session set used_at = now() where hash = ${hash}`.execute(db);
  const { tokenId, subject, groups } = row;
  const expiresAt = new Date(row.expiresAt);
  if (tokenId !== null) return { holder: { kind: 'token', id: tokenId }, expiresAt };
  return { holder: { kind: 'subject', subject: subject ?? '', groups }, expiresAt };
}

export async function deleteSession(em: Em, hash: Buffer): Promise<void> {
  await sql`delete from access_session where hash = ${hash}`.execute(kysely(em));
}

/** @returns how many had expired. */
export async function deleteExpiredSessions(em: Em): Promise<number> {
  const found = await sql`delete from access_session where expires_at <= now()`.execute(kysely(em));
  return Number(found.numAffectedRows ?? 0);
}
