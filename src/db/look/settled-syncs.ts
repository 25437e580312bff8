import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { keptOutcomes } from '../../selection/tag-outcome.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { isDue } from '../staging/plan-content.ts';
import { selectionOf } from '../tasks/start-task.ts';
import { hasOwnSelection } from '../tasks/own-selection.ts';

/** A due schedule whose repository is as its last sync left it. */
export interface SettledSync {
  readonly scheduleId: number;
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly mirror: boolean;
  readonly allowPrivate: boolean;
  /** Its tags, manifests and blobs together. */
  readonly rows: number;
}

/** The most content of a repository that is looked at. A larger one gets its ordinary sync. */
const most = { tags: 2_000, manifests: 5_000, blobs: 20_000 } as const;

/**
 * Of these schedules, those whose last sync took all that the present rules of the remote select, without a warning, and whose repository
 * nobody has changed since. Only a sync can tell about all others.
 */
export async function readSettledSyncs(em: Em, scheduleIds: readonly number[]): Promise<SettledSync[]> {
  const found = await sql<SettledSync>`
    select s.id as "scheduleId", r.id as "repositoryId", remote.id as "remoteId", s.mirror, s.allow_private as "allowPrivate",
      ${countOf('tags')} + ${countOf('manifests')} + ${countOf('blobs')} as rows
    from schedule s
      join repository r on r.id = s.repository_id
      join remote on remote.id = coalesce(s.remote_id, r.remote_id) and remote.sigstore is null
        and remote.signature_policy_id is null and r.signature_policy_id is null
      cross join lateral (
        select t.* from task t where t.repository_id = r.id and t.name = 'repository.sync'
          and not (t.arguments @> '{"dryRun": true}') order by t.id desc limit 1) as last
      cross join lateral (
        select v.* from repository_version v where v.repository_id = r.id order by v.number desc limit 1) as latest
    where s.id = any(${[...scheduleIds]}::bigint[]) and not s.paused and last.state = 'COMPLETED' and last.remote_id = remote.id
      and ${isLastWish()} and ${isLatest()} and ${hasNothingOpen()} and ${isSmall()} and ${isStored()}
    order by s.id`.execute(kysely(em));
  return found.rows;
}

/** The last sync has selected what the next one would. */
function isLastWish(): RawBuilder<boolean> {
  return sql`(last.arguments -> 'mirror' = to_jsonb(s.mirror) and not ${hasOwnSelection('last')}
    and coalesce(last.arguments -> 'pruneFiltered', 'false') = 'false'
    and last.arguments -> 'selection' = ${selectionOf(sql`null::jsonb`)})`;
}

/** Versions after that sync come from pushes, tags that were set, and rollbacks. */
function isLatest(): RawBuilder<boolean> {
  return sql`(latest.task_id is not null and latest.task_id <= last.id)`;
}

/** No tag was left as it was, none waits, no upstream was incomplete, and no signature came from a store. */
function hasNothingOpen(): RawBuilder<boolean> {
  return sql`(last.signature_source is null and last.checked_by is null
    and not exists (select from task_tag_count c where c.task_id = last.id and c.count > 0 and c.outcome = any(${[...keptOutcomes]}::text[]))
    and not exists (select from task_warning w where w.task_id = last.id)
    and not exists (select from tag_seen seen where seen.repository_id = r.id)
    and not exists (select from absent_child a where a.repository_id = r.id and a.removed_in is null and a.reason = 'UPSTREAM'))`;
}

function isSmall(): RawBuilder<boolean> {
  return sql`(${hasAtMost('tags')} and ${hasAtMost('manifests')} and ${hasAtMost('blobs')})`;
}

function hasAtMost(what: keyof typeof most): RawBuilder<boolean> {
  return sql`${countOf(what)} <= ${most[what]}`;
}

function countOf(what: keyof typeof most): RawBuilder<number> {
  return sql`(latest.counts #>> ${['present', what]}::text[])::bigint`;
}

/** Everything that a sync would fetch is marked as stored. */
function isStored(): RawBuilder<boolean> {
  return sql`not exists (
    select from membership p join manifest m on m.id = p.content_id
      left join manifest_blob edge on edge.manifest_id = m.id left join blob on blob.id = edge.blob_id
    where p.repository_id = r.id and p.kind = 'manifest' and p.removed_in is null
      and (m.raw is null or (blob.id is not null and blob.stored_at is null and not edge.is_foreign
        and ${isDue(sql`remote.policy = 'IMMEDIATE'`)})))`;
}
