import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { Listing } from '../staging/stage-names.ts';
import { finishListing } from '../staging/stage-names.ts';
import type { Listed } from '../staging/stage-names.ts';
import type { PresentTag } from '../staging/stage-tags.ts';

/** The sync before, whose result a sync changes only where the upstream has changed. */
export interface Base {
  readonly lastTaskId: number;
  /** The state up to which the difference goes. */
  readonly state: string;
  /** Selected tags that came less those that went. */
  readonly tagsDelta: number;
  /** The same of listed tags that the rules exclude. */
  readonly filteredDelta: number;
}

/**
 * Selects the listing of a difference, with the counts of the whole list: those of the sync before and of the difference.
 * @throws TidemarkError `LISTING_REPLACED`
 */
export async function finishDifference(
  em: Em,
  listing: Listing,
  { lastTaskId, state, tagsDelta, filteredDelta }: Base,
): Promise<Pick<Listed, 'positions'>> {
  const { positions } = await finishListing(em, listing, state);
  const { taskId } = listing;
  await sql`
    with counted as (${outcomesOf(sql`(select ${taskId}::bigint as id)`, lastTaskId, filteredDelta)})
    update task set difference_of = last.id, listed_at = last.listed_at, tags_total = greatest(0, last.tags_total + ${tagsDelta}),
      tags_outside_filter = last.tags_outside_filter
    from task last where last.id = ${lastTaskId} and task.id = ${taskId} and task.listing = ${listing.listing}`.execute(
    kysely(em),
  );
  return { positions };
}

/** Copies the counts of listed tags that were not selected, for the tasks with the ids of the rows `target`. */
export function outcomesOf(
  target: RawBuilder<unknown>,
  lastTaskId: number,
  filteredDelta: number,
): RawBuilder<unknown> {
  return sql`
    insert into task_tag_count (task_id, outcome, count)
    select v.id, v.outcome, v.count from (
      select target.id, o.outcome, coalesce((select c.count from task_tag_count c where c.task_id = ${lastTaskId} and c.outcome = o.outcome), 0)
        + case o.outcome when 'FILTERED' then ${filteredDelta}::int else 0 end as count
      from ${target} as target cross join unnest(array['FILTERED', 'BEYOND_NEWEST']) as o(outcome)
    ) as v where v.count > 0
    on conflict (task_id, outcome) do update set count = excluded.count`;
}

/** Tags of the latest version at random, in random order: mostly some more than `count`. `tags`: about how many it has. */
export async function sampleTags(
  em: Em,
  repositoryId: number,
  { count, tags }: { readonly count: number; readonly tags: number },
): Promise<(PresentTag & { readonly name: string })[]> {
  const share = Math.min(1, (2 * count) / Math.max(1, tags));
  const found = await sql<PresentTag & { name: string }>`
    with drawn as materialized (
      select name from tag_membership where repository_id = ${repositoryId} and removed_in is null and random() < ${share}
    )
    select t.name, m.id as "manifestId", m.digest, m.media_type as "mediaType", m.is_typed as "isTyped"
    from drawn cross join lateral (
      select name, manifest_id from tag_membership where repository_id = ${repositoryId} and name = drawn.name and removed_in is null offset 0
    ) as t join manifest m on m.id = t.manifest_id order by random()`.execute(kysely(em));
  return found.rows;
}

/** Drops the removals that an earlier attempt has staged: the whole list is read now. */
export async function dropStagedRemovals(em: Em, taskId: number): Promise<void> {
  await sql`delete from sync_tag where task_id = ${taskId} and manifest_id is null and outcome is null`.execute(
    kysely(em),
  );
}
