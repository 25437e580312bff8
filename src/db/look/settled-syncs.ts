import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { keptOutcomes } from '../../selection/tag-outcome.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { areTagsChecked } from '../tag-checks/tag-checks.ts';
import { isDue } from '../staging/plan-content.ts';
import { selectionOf } from '../tasks/start-task.ts';
import { hasOwnSelection } from '../tasks/own-selection.ts';

/** A repository that is as its last sync left it. */
export interface Settled {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly mirror: boolean;
  readonly allowPrivate: boolean;
  /** The number of its latest version. */
  readonly latest: number;
  /** Its tags, manifests and blobs together. */
  readonly rows: number;
  /** Whether its tags have times of their last checks. */
  readonly areTagsChecked: boolean;
  /** Whether a look may read all of them. */
  readonly isSmall: boolean;
  /** The sync that left it so. */
  readonly lastTaskId: number;
  /** The selected tags of that sync. */
  readonly tags: number;
  /** The state of the upstream that it has; null: the whole list of tags must be read. */
  readonly upstreamState: string | null;
}

/** Such a repository, whose sync is due. */
export interface SettledSync extends Settled {
  /** The id of its schedule, or of the repository where a mirror rule syncs it. */
  readonly key: number;
}

/** The most content of a repository that a look reads. */
const most = { tags: 2_000, manifests: 5_000, blobs: 20_000 } as const;
/** For so long a sync may take the difference only. The whole list finds what a difference cannot tell, such as lost files. */
const differenceHours = 24;

/**
 * Of these schedules, those whose last sync took all that the present rules of the remote select, without a warning, and whose repository
 * nobody has changed since. Only a sync can tell about all others.
 */
export async function readSettledSyncs(em: Em, scheduleIds: readonly number[]): Promise<SettledSync[]> {
  return readSettled<SettledSync>(
    em,
    sql`
      select s.id as key, s.repository_id, coalesce(s.remote_id, r.remote_id) as remote_id, s.mirror, s.allow_private,
        null::jsonb as selection, null::bigint as before
      from schedule s join repository r on r.id = s.repository_id
      where s.id = any(${[...scheduleIds]}::bigint[]) and not s.paused`,
  );
}

/** Of the repositories of a mirror rule, those that are as the schedules above need them. */
export async function readSettledRepositories(
  em: Em,
  repositoryIds: readonly number[],
  { mirror, allowPrivate }: Pick<Settled, 'mirror' | 'allowPrivate'>,
): Promise<SettledSync[]> {
  return readSettled<SettledSync>(
    em,
    sql`
      select r.id as key, r.id as repository_id, r.remote_id, ${mirror}::boolean as mirror, ${allowPrivate}::boolean as allow_private,
        null::jsonb as selection, null::bigint as before
      from repository r where r.id = any(${[...repositoryIds]}::bigint[])`,
  );
}

/** The repository of a running sync, if the sync before left it as the schedules above need it. */
export async function readSettledTask(em: Em, taskId: number): Promise<Settled | undefined> {
  const [found] = await readSettled<Settled>(
    em,
    sql`
      select t.repository_id, t.remote_id, (t.arguments -> 'mirror')::boolean as mirror,
        coalesce((t.arguments -> 'allowPrivate')::boolean, true) as allow_private, t.arguments -> 'selection' as selection, t.id as before
      from task t where t.id = ${taskId} and coalesce(t.arguments -> 'pruneFiltered', 'false') = 'false'`,
  );
  return found;
}

/**
 * @param wishes What the next syncs would do: `repository_id`, `remote_id`, `mirror`, `allow_private`, `selection` (null: by the row of the
 * remote), `before` (the task that is the next sync; null: there is none yet), and further columns of the answer.
 */
async function readSettled<Row extends Settled>(em: Em, wishes: RawBuilder<unknown>): Promise<Row[]> {
  const found = await sql<Row>`
    select wish.*, r.id as "repositoryId", remote.id as "remoteId", wish.allow_private as "allowPrivate", latest.number as latest,
      ${countOf('tags')} + ${countOf('manifests')} + ${countOf('blobs')} as rows, ${isSmall()} as "isSmall",
      last.id as "lastTaskId", last.tags_total as tags, ${upstreamState()} as "upstreamState", ${areTagsChecked(sql`r.id`)} as "areTagsChecked"
    from (${wishes}) as wish
      join repository r on r.id = wish.repository_id
      join remote on remote.id = wish.remote_id and remote.sigstore is null
        and remote.signature_policy_id is null and r.signature_policy_id is null
      cross join lateral (
        select t.* from task t where t.repository_id = r.id and t.name = 'repository.sync' and (wish.before is null or t.id < wish.before)
          and not (t.arguments @> '{"dryRun": true}') order by t.id desc limit 1) as last
      cross join lateral (
        select v.* from repository_version v where v.repository_id = r.id order by v.number desc limit 1) as latest
    where last.state = 'COMPLETED' and last.remote_id = remote.id
      and ${isLastWish()} and ${isLatest()} and ${hasNothingOpen()} and (${isSmall()} or ${upstreamState()} is not null) and ${isStored()}
    order by r.id`.execute(kysely(em));
  return found.rows;
}

/** The last sync has selected what the next one would. */
function isLastWish(): RawBuilder<boolean> {
  return sql`(last.arguments -> 'mirror' = to_jsonb(wish.mirror) and not ${hasOwnSelection('last')}
    and coalesce(last.arguments -> 'pruneFiltered', 'false') = 'false'
    and last.arguments -> 'selection' = coalesce(wish.selection, ${selectionOf(sql`null::jsonb`)}))`;
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

function upstreamState(): RawBuilder<string | null> {
  return sql`(case when last.listed_at > now() - make_interval(hours => ${differenceHours}) then last.upstream_state end)`;
}

/** Everything that a sync would fetch is marked as stored. Begins with what is not stored, which is little. */
function isStored(): RawBuilder<boolean> {
  return sql`(not exists (select from manifest m where m.raw is null and ${isInLatest(sql`m.id`)})
    and not exists (select from blob join manifest_blob edge on edge.blob_id = blob.id
      where blob.stored_at is null and not edge.is_foreign and ${isDue(sql`remote.policy = 'IMMEDIATE'`)}
        and ${isInLatest(sql`edge.manifest_id`)}))`;
}

function isInLatest(manifest: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`exists (select from membership p
    where p.repository_id = r.id and p.kind = 'manifest' and p.content_id = ${manifest} and p.removed_in is null)`;
}
