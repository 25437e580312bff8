import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { TagProblem } from '../schema/tag-checks.ts';
import { kysely } from '../sql.ts';

/* One process at a time asks the upstream about a tag: the one that claims its row. */

export interface TagKey {
  readonly repositoryId: number;
  readonly name: string;
}

/** Longer than a check takes: the claim of a killed process ends by itself. */
const claimSeconds = 60;

/** SQL: whether the upstream has answered for the tag of the row `c` within the time. */
function isFresh(ttlSeconds: number): RawBuilder<unknown> {
  return sql`coalesce(c.checked_at + make_interval(secs => ${ttlSeconds}::int) > now(), false)`;
}

/** SQL: null for a tag that must be asked for; else its problem, or '' for a confirmed tag. */
export function confirmation({ repositoryId, name }: TagKey, ttlSeconds: number): RawBuilder<unknown> {
  return sql`(select coalesce(c.problem, '') from tag_check c
    where c.repository_id = ${repositoryId} and c.name = ${name} and ${isFresh(ttlSeconds)})`;
}

/**
 * `claimed`: the caller must ask the upstream, and then call `endTagCheck`. `fresh`: the upstream has answered within the time. `asked`: another
 * process is asking. `failed`: the last question failed, and it is too early for the next one.
 */
export interface TagClaim {
  readonly state: 'claimed' | 'fresh' | 'asked' | 'failed';
  readonly problem: TagProblem | null;
}

export async function claimTagCheck(
  em: Em,
  { repositoryId, name }: TagKey,
  ttlSeconds: number,
): Promise<TagClaim> {
  const found = await sql<TagClaim>`
    with claimed as (
      insert into tag_check as c (repository_id, name, retry_at)
      values (${repositoryId}, ${name}, now() + make_interval(secs => ${claimSeconds}))
      on conflict (repository_id, name) do update set retry_at = excluded.retry_at
      where not ${isFresh(ttlSeconds)} and (c.retry_at is null or c.retry_at <= now())
      returning c.problem)
    select 'claimed' as state, problem from claimed
    union all
    select case when ${isFresh(ttlSeconds)} then 'fresh' when c.problem is null then 'asked' else 'failed' end, c.problem
    from tag_check c where c.repository_id = ${repositoryId} and c.name = ${name} and not exists (select from claimed)`.execute(
    kysely(em),
  );
  // no row: another process has inserted it since the statement began
  return found.rows[0] ?? { state: 'asked', problem: null };
}

/** The upstream has answered. A problem of the answer lasts until the next one. */
export async function endTagCheck(
  em: Em,
  { repositoryId, name }: TagKey,
  problem: TagProblem | null = null,
): Promise<void> {
  await sql`
    insert into tag_check (repository_id, name, checked_at, problem) values (${repositoryId}, ${name}, now(), ${problem})
    on conflict (repository_id, name) do update set checked_at = now(), retry_at = null, problem = excluded.problem`.execute(
    kysely(em),
  );
}

/** There is no answer yet. Undefined seconds: the claim stays. */
export async function failTagCheck(
  em: Em,
  { repositoryId, name }: TagKey,
  { problem, retrySeconds }: { readonly problem: TagProblem | null; readonly retrySeconds?: number },
): Promise<void> {
  const retryAt =
    retrySeconds === undefined ? sql`retry_at` : sql`now() + make_interval(secs => ${retrySeconds}::int)`;
  await sql`
    update tag_check set problem = ${problem}, retry_at = ${retryAt}
    where repository_id = ${repositoryId} and name = ${name} and retry_at is not null`.execute(kysely(em));
}

/** SQL: whether a distribution of the repository asks the upstream about stored tags. Otherwise no check of them is needed. */
export function areTagsChecked(repositoryId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`exists (select from distribution d where d.repository_id = ${repositoryId} and d.pull_through
    and d.tag_ttl_seconds is not null)`;
}

/**
 * SQL: the statement that records tags which a sync has found to be the upstream's. The time is that of the sync's start, because it has asked
 * after that.
 * @param tags Selects `repository_id`, `name` and the time, ordered by `name`.
 */
export function confirmTags(tags: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    insert into tag_check as c (repository_id, name, checked_at) ${tags}
    on conflict (repository_id, name) do update set checked_at = excluded.checked_at, retry_at = null, problem = null
    where c.checked_at is null or c.checked_at < excluded.checked_at`;
}

/** Checks of tags that their repositories no longer have. */
export async function removeOldTagChecks(em: Em): Promise<void> {
  await sql`
    delete from tag_check c where not exists (select from tag_membership t
      where t.repository_id = c.repository_id and t.name = c.name and t.removed_in is null)`.execute(
    kysely(em),
  );
}
