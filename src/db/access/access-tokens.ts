import { sql } from 'kysely';
import { AccessGrant, AccessToken } from '../schema/access.ts';
import type { Role } from './roles.ts';
import type { Em } from '../open-database.ts';
import { toPage } from '../reads/read-page.ts';
import type { Page } from '../reads/read-page.ts';
import { countRows } from '../reads/counts.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from './visibility.ts';
import type { Visibility } from './visibility.ts';

/** A valid token with its grants. */
export interface LiveToken {
  readonly id: number;
  readonly name: string;
  readonly expiresAt: Date;
  readonly grants: readonly { readonly role: Role; readonly scope: string }[];
}

/** By hash or id; undefined if it is revoked, expired or unknown. */
export async function readLiveToken(
  em: Em,
  key: { readonly hash: Buffer } | { readonly id: number },
): Promise<LiveToken | undefined> {
  const found = await sql<LiveToken>`
    select t.id, t.name, t.expires_at as "expiresAt", (
      select coalesce(jsonb_agg(jsonb_build_object('role', g.role, 'scope', g.scope)), '[]') from access_grant g
      where g.token_id = t.id) as grants
    from access_token t
    where ${'hash' in key ? sql`t.hash = ${key.hash}` : sql`t.id = ${key.id}`} and t.revoked_at is null and t.expires_at > now()`.execute(
    kysely(em),
  );
  const [row] = found.rows;
  return row === undefined ? undefined : { ...row, expiresAt: new Date(row.expiresAt) };
}

/** Whether the database has a valid token, or a grant to an OIDC subject or group. */
export async function hasLogins(em: Em): Promise<boolean> {
  const found = await sql<{ has: boolean }>`
    select exists (select from access_token where revoked_at is null and expires_at > now())
      or exists (select from access_grant where token_id is null) as has`.execute(kysely(em));
  return found.rows[0]?.has === true;
}

/** The grants of an OIDC subject and its groups. */
export async function readSubjectGrants(
  em: Em,
  subject: string,
  groups: readonly string[],
): Promise<{ readonly role: Role; readonly scope: string }[]> {
  const found = await sql<{ role: Role; scope: string }>`
    select role, scope from access_grant where oidc_subject = ${subject} or oidc_group = any(${groups}::text[])`.execute(
    kysely(em),
  );
  return found.rows;
}

export async function readAccessTokens(em: Em, ids: readonly number[]): Promise<(AccessToken | undefined)[]> {
  const rows = await em.find(AccessToken, { id: { $in: [...ids] } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** Visible to those who administer their scope. */
export async function readAccessGrants(
  em: Em,
  administered: Visibility,
  ids: readonly number[],
): Promise<(AccessGrant | undefined)[]> {
  const found = await sql<{ id: number }>`
    select id from access_grant where id = any(${ids}::bigint[]) and ${nameVisible(sql`scope`, administered)}`.execute(
    kysely(em),
  );
  const rows = await em.find(AccessGrant, { id: { $in: found.rows.map((row) => row.id) } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export interface AccessPageArguments {
  readonly first: number;
  /** Id of the last row of the previous page; newest first. */
  readonly after: number | undefined;
}

export async function readAccessTokenPage(
  em: Em,
  page: AccessPageArguments,
): Promise<Page<{ readonly id: number }>> {
  const found = await kysely(em)
    .selectFrom('access_token')
    .select('id')
    .where('id', '<', page.after ?? Number.MAX_SAFE_INTEGER)
    .orderBy('id', 'desc')
    .limit(page.first + 1)
    .execute();
  return toPage(found, page.first);
}

export async function readAccessGrantPage(
  em: Em,
  administered: Visibility,
  page: AccessPageArguments,
): Promise<Page<{ readonly id: number }>> {
  const found = await sql<{ id: number }>`
    select id from access_grant
    where id < ${page.after ?? Number.MAX_SAFE_INTEGER} and ${nameVisible(sql`scope`, administered)}
    order by id desc limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

export async function countAccessTokens(em: Em): Promise<number> {
  return em.count(AccessToken);
}

export function countAccessGrants(em: Em, administered: Visibility): Promise<number> {
  return countRows(em, 'access_grant', nameVisible(sql`scope`, administered));
}

export interface NewToken {
  readonly name: string;
  readonly hash: Buffer;
  readonly expiresInDays: number;
}

/** @returns undefined if a valid token has this name. */
export async function insertAccessToken(em: Em, token: NewToken): Promise<number | undefined> {
  const db = kysely(em);
  // An expired token frees its name.
  await sql`
    update access_token set revoked_at = expires_at
    where name = ${token.name} and revoked_at is null and expires_at <= now()`.execute(db);
  const made = await sql<{ id: number }>`
    insert into access_token (name, hash, expires_at)
    values (${token.name}, ${token.hash}, now() + make_interval(days => ${token.expiresInDays}))
    on conflict (name) where revoked_at is null do nothing returning id`.execute(db);
  return made.rows[0]?.id;
}

/**
 * Revokes a token with its grants and sessions. Idempotent.
 * @returns whether it exists.
 */
export async function revokeAccessToken(em: Em, id: number): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql`
      update access_token set revoked_at = coalesce(revoked_at, now()) where id = ${id}`.execute(db);
    await db.deleteFrom('access_grant').where('token_id', '=', id).execute();
    await db.deleteFrom('access_session').where('token_id', '=', id).execute();
    return found.numAffectedRows === 1n;
  });
}

/** One grant per scope. */
export async function grantToToken(
  em: Em,
  tokenId: number,
  grants: readonly { readonly role: Role; readonly scope: string }[],
): Promise<void> {
  await sql`
    insert into access_grant (role, scope, token_id)
    select role, scope, ${tokenId}
    from unnest(${grants.map((grant) => grant.role)}::text[], ${grants.map((grant) => grant.scope)}::text[]) as g(role, scope)`.execute(
    kysely(em),
  );
}

export interface NewGrant {
  readonly role: Role;
  readonly scope: string;
  readonly tokenId: number | null;
  readonly oidcSubject: string | null;
  readonly oidcGroup: string | null;
}

/**
 * Replaces the role in the same scope.
 * @returns undefined if the token is revoked.
 */
export async function putAccessGrant(em: Em, grant: NewGrant): Promise<number | undefined> {
  const { role, scope, tokenId, oidcSubject, oidcGroup } = grant;
  const made = await sql<{ id: number }>`
    insert into access_grant (role, scope, token_id, oidc_subject, oidc_group)
    select ${role}, ${scope}, ${tokenId}::bigint, ${oidcSubject}::text, ${oidcGroup}::text
    where ${tokenId}::bigint is null or exists (
      select from access_token where id = ${tokenId} and revoked_at is null for share)
    on conflict (scope, token_id, oidc_subject, oidc_group) do update set role = excluded.role
    returning id`.execute(kysely(em));
  return made.rows[0]?.id;
}

export async function deleteAccessGrant(em: Em, id: number): Promise<void> {
  await kysely(em).deleteFrom('access_grant').where('id', '=', id).execute();
}
