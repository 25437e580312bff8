import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { nameVisible } from './visibility.ts';
import type { Visibility } from './visibility.ts';

/*
 * A distribution serves its repository with the rights of the caller who set its target. The rights are read at each
 * request: when the caller loses them, the distribution is treated as absent until another caller sets the target.
 */

/**
 * Whether the distribution `d` may serve its repository. Always true for the one at the repository's own name, and for
 * targets without a known caller or set while logins were off.
 */
export function mayServe(isShared: boolean): RawBuilder<unknown> {
  if (!isShared) return sql`true`;
  const covers = sql`(g.scope in ('*', r.name) or (right(g.scope, 2) = '/*' and r.name ^@ left(g.scope, -1)))`;
  return sql`case
    when d.base_path = r.name or d.pointed_by is null then true
    when d.pointed_by ->> 'kind' = 'everybody' then true
    when d.pointed_by ->> 'kind' = 'token' then exists (
      select from access_token t join access_grant g on g.token_id = t.id
      where t.id = (d.pointed_by ->> 'id')::bigint and t.revoked_at is null and t.expires_at > now() and ${covers})
    when d.pointed_by ->> 'kind' = 'subject' then exists (
      select from access_grant g
      where (g.oidc_subject = d.pointed_by ->> 'subject' or jsonb_exists(d.pointed_by -> 'groups', g.oidc_group)) and ${covers})
    else false end`;
}

/** Where a repository is served, and by whom. */
export interface ServedAtRow {
  readonly repositoryId: number;
  readonly basePath: string;
  readonly version: number | null;
  readonly isPrivate: boolean;
  /** Name of the token, or the OIDC subject; null if unknown, or while logins were off. */
  readonly pointedBy: string | null;
  readonly isServed: boolean;
}

const listedMax = 100;

/**
 * Up to 100 distributions of each repository, ordered by base path: all of them for its maintainers, otherwise the
 * public and visible ones.
 */
export async function readServedAt(
  em: Em,
  viewer: { readonly isShared: boolean; readonly visibility: Visibility; readonly maintained: Visibility },
  repositoryIds: readonly number[],
): Promise<ServedAtRow[][]> {
  const found = await sql<ServedAtRow>`
    select p.id as "repositoryId", at.* from unnest(${repositoryIds}::bigint[]) as p(id) cross join lateral (
      select d.base_path as "basePath", d.version, d.is_private as "isPrivate", ${mayServe(viewer.isShared)} as "isServed",
        coalesce(t.name, d.pointed_by ->> 'subject') as "pointedBy"
      from distribution d join repository r on r.id = d.repository_id
        left join access_token t on d.pointed_by ->> 'kind' = 'token' and t.id = (d.pointed_by ->> 'id')::bigint
      where d.repository_id = p.id and (${nameVisible(sql`r.name`, viewer.maintained)} or not d.is_private
        or ${nameVisible(sql`d.base_path`, viewer.visibility)})
      order by d.base_path limit ${listedMax}) as at
    order by p.id, at."basePath"`.execute(kysely(em));
  return repositoryIds.map((id) => found.rows.filter((row) => row.repositoryId === id));
}
