import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { SyncArguments } from '../schema/tasks.ts';
import { nothingSelected } from '../tasks/nothing-selected.ts';
import type { Em } from '../open-database.ts';
import { settleTotals } from '../difference/settle-totals.ts';
import { kysely } from '../sql.ts';
import { recordSyncEnd } from '../webhooks/record-events.ts';
import { hasWaitingTags } from '../outcomes/seen-tags.ts';
import { listedNames } from '../staging/selected-graph.ts';
import { countRemovals, isMassRemoval, isPruned } from '../staging/stage-removals.ts';
import { makeVersion } from './publish-version.ts';
import { endRoots, insertRoots } from './write-roots.ts';
import { writeStaged } from './settle-absences.ts';
import type { Draft, Published } from './draft.ts';
import { writeOutcomes } from '../outcomes/tag-outcomes.ts';
import { writeSignatures } from '../staging/stage-signatures.ts';
import { areTagsChecked, confirmTags } from '../tag-checks/tag-checks.ts';
import { lockSyncPolicy } from '../policies/stage-signers.ts';
import { tellEnding } from '../tasks/task-endings.ts';
import { clearStage } from '../tasks/tasks.ts';
import { isSamePolicy } from '../policies/verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';

export interface CommitResult {
  /** Null when nothing changed. */
  readonly createdVersion: number | null;
}

export interface CommitOptions {
  /** The listing that the caller has walked; default: the task's. */
  readonly listing?: number | undefined;
}

interface SyncDraft extends Draft {
  readonly taskId: number;
  /** Whether the stage is the difference to the sync before. */
  readonly isDifference: boolean;
  readonly mirror: boolean;
  readonly prunes: boolean;
  readonly areTagsChecked: boolean;
}

/**
 * Publishes the staging rows of a sync and completes its task. They are compared with the version that is latest now; only
 * differences are written. Idempotent.
 * @throws TidemarkError `MASS_REMOVAL_REFUSED` (fault 30); `TASK_FENCED` or `TASK_NOT_RUNNING` for an outdated attempt
 * (fault 96); `NOTHING_SELECTED` for a first sync without a tag; `LISTING_REPLACED` after a later attempt's listing;
 * `SIGNATURE_POLICY_CHANGED` if another policy checked them; `CONTENT_INCOMPLETE` if content is not stored.
 */
export async function commitVersion(
  em: Em,
  taskId: number,
  { listing }: CommitOptions = {},
): Promise<CommitResult> {
  const { createdVersion } = await makeVersion<SyncDraft>(em, {
    lock: (transaction) => lockForCommit(transaction, taskId, listing),
    write: async (transaction, draft) => {
      await writeOutcomes(transaction, draft.taskId);
      await writeStaged(transaction, draft, taskId);
      await writeTags(transaction, draft);
      await writeRoots(transaction, draft);
      await writeSignatures(transaction, draft);
    },
    finish: completeTask,
  });
  // Outside of the transaction, which must release the repository soon: there may be many rows.
  await clearStage(em, taskId);
  return { createdVersion };
}

/** Undefined before the task is completed. */
export async function readCommitted(em: Em, taskId: number): Promise<CommitResult | undefined> {
  const found = await kysely(em)
    .selectFrom('task')
    .select('created_version as createdVersion')
    .where('id', '=', taskId)
    .where('state', '=', 'COMPLETED')
    .execute();
  return found[0];
}

async function lockForCommit(
  em: Em,
  taskId: number,
  listing: number | undefined,
): Promise<SyncDraft | Published> {
  const task = await lockTask(em, taskId);
  if (task.state === 'COMPLETED') return { createdVersion: task.createdVersion, changes: 0 };
  if (listing !== undefined) assertListing(task, taskId, listing);
  await assertPolicy(em, taskId, task.checkedBy);
  const { repositoryId, latest, arguments: wish } = task;
  const draft: SyncDraft = {
    taskId,
    isDifference: task.differenceOf !== null,
    repositoryId,
    latest,
    number: latest + 1,
    mirror: wish.mirror,
    prunes: wish.mirror && wish.pruneFiltered === true,
    areTagsChecked: task.areTagsChecked,
    // companions that the filters select stay as long as the upstream has them
    followers: sql`t.name not in (${listedNames(taskId)})`,
  };
  if (wish.mirror && !wish.confirmRemoval) await refuseMassRemoval(em, draft);
  return draft;
}

async function completeTask(
  em: Em,
  { taskId, repositoryId, latest, isDifference, areTagsChecked: isConfirming }: SyncDraft,
  { createdVersion }: Published,
): Promise<void> {
  const db = kysely(em);
  if (isDifference) await settleTotals(em, { taskId, repositoryId, createdVersion });
  if (createdVersion === null && latest === 0 && !(await hasWaitingTags(em, taskId)))
    throw await nothingSelected(em, taskId);
  if (isConfirming) await confirmTags(askedTags(taskId)).execute(db);
  await db
    .updateTable('repository')
    .set({ is_mirrored: true })
    .where('id', '=', repositoryId)
    .where('is_mirrored', '=', false)
    .execute();
  await sql`
    update task set state = 'COMPLETED', stage = 'FINISHED', finished_at = now(), created_version = ${createdVersion}
    where id = ${taskId}
    returning ${tellEnding}`.execute(db);
  await recordSyncEnd(em, taskId);
}

/** The present tags that the sync has asked the upstream for, and has not left as they were. */
function askedTags(taskId: number): RawBuilder<unknown> {
  return sql`
    select task.repository_id, t.name, task.started_at
    from task join tag_membership t on t.repository_id = task.repository_id and t.removed_in is null
    where task.id = ${taskId} and t.name in (${listedNames(taskId)})
      and not exists (select from sync_tag s where s.task_id = task.id and s.name = t.name and s.outcome is not null)
    order by t.name`;
}

interface LockedTask {
  readonly state: string;
  readonly createdVersion: number | null;
  readonly repositoryId: number;
  readonly latest: number;
  readonly listing: number | null;
  readonly differenceOf: number | null;
  readonly arguments: SyncArguments;
  readonly checkedBy: PolicyKey | null;
  readonly areTagsChecked: boolean;
}

async function lockTask(em: Em, taskId: number): Promise<LockedTask> {
  const result = await sql<LockedTask & { fenced: boolean }>`
    select task.state, task.created_version as "createdVersion", task.repository_id as "repositoryId", task.arguments,
      task.listing, task.difference_of as "differenceOf", task.checked_by as "checkedBy", repository.latest,
      task.fence is distinct from repository.fence as fenced, ${areTagsChecked(sql`repository.id`)} as "areTagsChecked"
    from task join repository on repository.id = task.repository_id
    where task.id = ${taskId} for update of repository, task`.execute(kysely(em));
  const task = result.rows[0];
  if (!task)
    throw new TidemarkError('NOT_FOUND', `Task ${taskId} or its repository was deleted.`, {
      origin: 'server',
    });
  if (task.state === 'COMPLETED') return task;
  if (task.state !== 'RUNNING')
    throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is ${task.state}. Nothing was committed.`, {
      origin: 'server',
    });
  if (task.fenced)
    throw new TidemarkError(
      'TASK_FENCED',
      `A later task has taken the repository of task ${taskId}. Nothing was committed.`,
      { origin: 'server' },
    );
  return task;
}

function assertListing(task: LockedTask, taskId: number, listing: number): void {
  if (task.listing !== listing)
    throw new TidemarkError(
      'LISTING_REPLACED',
      `A later attempt has listed the tags for task ${taskId}. The results of this one are not committed.`,
      { origin: 'server' },
    );
}

/** The policy in force stays locked until the commit. */
async function assertPolicy(em: Em, taskId: number, checkedBy: PolicyKey | null): Promise<void> {
  if (isSamePolicy(await lockSyncPolicy(em, taskId), checkedBy)) return;
  throw new TidemarkError(
    'SIGNATURE_POLICY_CHANGED',
    `The signature policy changed after the check of task ${taskId}. Nothing was committed.`,
    { origin: 'server', retryable: true },
  );
}

async function refuseMassRemoval(em: Em, { prunes, ...sync }: SyncDraft): Promise<void> {
  const { present, removed } = await countRemovals(em, sync, prunes);
  if (isMassRemoval(present, removed))
    throw new TidemarkError(
      'MASS_REMOVAL_REFUSED',
      `This mirror sync would remove ${removed} of the repository's ${present} tags. Nothing was changed. ` +
        'Check that the upstream and the filters are right; if the removal is meant, sync again with confirmRemoval: true.',
    );
}

async function writeTags(em: Em, { taskId, repositoryId, number, mirror, prunes }: SyncDraft): Promise<void> {
  const db = kysely(em);
  await sql`
    update tag_membership t set removed_in = ${number}
    from sync_tag s
    where s.task_id = ${taskId} and (s.outcome is null or ${isPruned(prunes)}) and t.repository_id = ${repositoryId}
      and t.removed_in is null and t.name = s.name
      and (s.manifest_id <> t.manifest_id or (${mirror} and s.manifest_id is null))`.execute(db);
  await sql`
    insert into tag_membership (repository_id, name, manifest_id, added_in)
    select ${repositoryId}, s.name, s.manifest_id, ${number}
    from sync_tag s
    where s.task_id = ${taskId} and s.manifest_id is not null and s.outcome is null
      and not exists (select from tag_membership t
        where t.repository_id = ${repositoryId} and t.name = s.name and t.removed_in is null)
    order by s.name`.execute(db);
}

/**
 * Requested digests, and, after an additive sync, the former manifests of moved tags (contract: they stay untagged). A
 * mirror drops both.
 */
async function writeRoots(em: Em, draft: SyncDraft): Promise<void> {
  const { taskId, repositoryId, number, mirror } = draft;
  if (mirror)
    await endRoots(
      em,
      draft,
      sql`exists (select from sync_root s where s.task_id = ${taskId} and s.manifest_id = r.manifest_id and s.name = r.name and s.is_removed)`,
    );
  await insertRoots(
    em,
    draft,
    sql`
      select manifest_id, name from sync_root where task_id = ${taskId} and not is_removed and outcome is null
      union
      select t.manifest_id, t.name from tag_membership t
      where t.repository_id = ${repositoryId} and t.removed_in = ${number} and not ${mirror}`,
  );
}
