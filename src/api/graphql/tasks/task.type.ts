import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Task } from '../../../db/schema/tasks.ts';
import type { PlannedTagRow, PlanRow } from '../../../db/reads/read-plans.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { ByteCount, DateTime, DigestScalar } from '../scalars.ts';
import { SyncOverridesType, toSyncOverrides } from '../sync/sync.type.ts';
import { UserError } from '../user-error.type.ts';

export const TaskStateEnum = {
  WAITING: 'WAITING',
  RUNNING: 'RUNNING',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
} as const;
type TaskState = keyof typeof TaskStateEnum;

registerEnumType(TaskStateEnum, {
  name: 'TaskState',
  description: 'How far a task is. COMPLETED, FAILED and CANCELED are final.',
  valuesConfig: {
    WAITING: {
      description: 'Accepted; no worker has taken it yet, or it waits for its turn at the upstream’s host.',
    },
    RUNNING: { description: 'A worker is at it.' },
    COMPLETED: { description: 'Done.' },
    FAILED: { description: 'Given up; `error` says why. Nothing was changed.' },
    CANCELED: { description: 'Stopped by a person. Nothing was changed.' },
  },
});

export const TaskStageEnum = {
  PREPARING: 'PREPARING',
  LISTING_TAGS: 'LISTING_TAGS',
  FETCHING_MANIFESTS: 'FETCHING_MANIFESTS',
  FETCHING_BLOBS: 'FETCHING_BLOBS',
  FETCHING_SIGNATURES: 'FETCHING_SIGNATURES',
  COMMITTING: 'COMMITTING',
  FINISHED: 'FINISHED',
} as const;
type TaskStage = keyof typeof TaskStageEnum;

registerEnumType(TaskStageEnum, {
  name: 'TaskStage',
  description:
    'The steps of a sync, in order. A task that failed or was cancelled keeps the stage in which it was.',
  valuesConfig: {
    PREPARING: { description: 'Reading the remote and its filters.' },
    LISTING_TAGS: { description: "Reading the upstream's list of tags." },
    FETCHING_MANIFESTS: { description: 'Walking the graphs below the selected tags.' },
    FETCHING_BLOBS: { description: 'Fetching configs and layers that are not stored yet.' },
    FETCHING_SIGNATURES: { description: 'Fetching signatures.' },
    COMMITTING: { description: 'Making the new version, in one transaction.' },
    FINISHED: { description: 'Completed.' },
  },
});

@ObjectType('TaskProgress', {
  description: 'How far a task is. Counts never go backwards; a total is null until it is known.',
  simpleResolvers: true,
})
export class TaskProgressType {
  @Field(() => TaskStageEnum, { description: 'The step that it is at.' })
  stage!: TaskStage;

  @Field(() => Int, { nullable: true, description: 'Tags that the filters select.' })
  tagsTotal!: number | null;

  @Field(() => Int, { description: 'Tags whose graphs were walked.' })
  tagsDone!: number;

  @Field(() => Int, { nullable: true, description: 'Manifests below those tags.' })
  manifestsTotal!: number | null;

  @Field(() => Int, { description: 'Manifests that were fetched or found stored.' })
  manifestsDone!: number;

  @Field(() => Int, { nullable: true, description: 'Blobs below those tags.' })
  blobsTotal!: number | null;

  @Field(() => Int, { description: 'Blobs that are stored, those that were stored already included.' })
  blobsDone!: number;

  @Field(() => Int, { description: 'Blobs that were stored already.' })
  blobsReused!: number;

  @Field(() => ByteCount, { nullable: true, description: 'Bytes of all those blobs.' })
  bytesTotal!: number | null;

  @Field(() => ByteCount, {
    description: 'Bytes that are on disk, those in flight and those stored already included.',
  })
  bytesDone!: number;

  @Field(() => ByteCount, {
    description:
      'Bytes that this task did not fetch: of blobs that were stored already, and what an earlier task had fetched of others.',
  })
  bytesReused!: number;

  @Field(() => Int, { description: 'Signatures that were fetched.' })
  signaturesDone!: number;

  @Field(() => DateTime, {
    nullable: true,
    description:
      "Until when the task waits because the upstream's host answers 429 (too many requests); null while it does not. It goes on by itself.",
  })
  throttledUntil!: Date | null;
}

@ObjectType('TaskError', {
  description:
    'Whose fault it was: the code says it; the message names the URL (without credentials), what came, what was expected, and what to do.',
  simpleResolvers: true,
})
export class TaskErrorType {
  @Field(() => String, { description: 'Stable, in capitals, e.g. UPSTREAM_UNAUTHORIZED.' })
  code!: string;

  @Field(() => String, { description: 'For people.' })
  message!: string;
}

@ObjectType('Task', {
  implements: NodeType,
  description:
    'A piece of work that goes on after the answer. Temporal carries it through crashes and restarts.',
  simpleResolvers: true,
})
export class TaskType extends NodeType {
  row!: Task;

  @Field(() => String, { description: 'What it does, e.g. "repository.sync".' })
  name!: string;

  @Field(() => TaskStateEnum, { description: 'How far it is.' })
  state!: TaskState;

  @Field(() => DateTime, { description: 'When it was asked for.' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When a worker took it.' })
  startedAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it reached its final state.' })
  finishedAt!: Date | null;

  @Field(() => TaskErrorType, { nullable: true, description: 'Set exactly when state is FAILED.' })
  error!: TaskErrorType | null;

  @Field(() => String, { description: "Temporal's id of the workflow." })
  workflowId!: string;

  @Field(() => Boolean, { description: 'Whether the sync was asked for with `dryRun`.' })
  dryRun!: boolean;

  @Field(() => Boolean, { description: 'Whether the sync was asked for with `mirror`.' })
  mirror!: boolean;

  @Field(() => Boolean, { description: 'Whether the sync was asked for with `pruneFiltered`.' })
  pruneFiltered!: boolean;

  @Field(() => Int, {
    nullable: true,
    description:
      'Tags that the repository had when a mirror sync began and that its filters leave out, companion tags not counted. They stay as they ' +
      'are, unless pruneFiltered is true: then they are removed. Null for other tasks, and before it is known.',
  })
  tagsOutsideFilter!: number | null;

  @Field(() => SyncOverridesType, {
    nullable: true,
    description: 'Options that replaced those of the remote in this sync alone; null: none.',
  })
  overrides!: SyncOverridesType | null;
}

export function toTaskType(row: Task): TaskType {
  const { name, state, createdAt, workflowId } = row;
  const { errorCode, errorMessage } = row;
  return Object.assign(new TaskType(), {
    id: toGlobalId('Task', row.id),
    row,
    name,
    state,
    createdAt,
    workflowId,
    startedAt: row.startedAt ?? null,
    finishedAt: row.finishedAt ?? null,
    error: typeof errorCode === 'string' ? { code: errorCode, message: errorMessage ?? '' } : null,
    // a task of another kind has no arguments of a sync
    dryRun: (row.arguments as Partial<Task['arguments']>).dryRun ?? false,
    mirror: (row.arguments as Partial<Task['arguments']>).mirror ?? false,
    pruneFiltered: row.arguments.pruneFiltered ?? false,
    tagsOutsideFilter: row.tagsOutsideFilter ?? null,
    overrides: toSyncOverrides(row.arguments.overrides),
  });
}

export const TaskConnection = connectionType(TaskType, 'Task');

export const PlannedChangeEnum = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;

registerEnumType(PlannedChangeEnum, {
  name: 'PlannedChange',
  description: 'What a sync would do to a tag.',
  valuesConfig: {
    ADDED: { description: 'The repository does not have the tag.' },
    MOVED: { description: 'The tag would name another manifest.' },
    REMOVED: { description: 'The upstream does not have the tag any more; by a mirror sync only.' },
  },
});

@ObjectType('PlannedTag', { description: 'What a sync would do to a tag.', simpleResolvers: true })
export class PlannedTag {
  @Field(() => String, { description: 'The tag.' })
  name!: string;

  @Field(() => PlannedChangeEnum, { description: 'What would be done to it.' })
  change!: keyof typeof PlannedChangeEnum;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'What it names now; null where it would be added.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'What it would name; null where it would be removed.',
  })
  newDigest!: string | null;
}

export function toPlannedTag(row: PlannedTagRow): PlannedTag {
  const { name, change, oldDigest, newDigest } = row;
  return Object.assign(new PlannedTag(), { name, change, oldDigest, newDigest });
}

export const PlannedTagConnection = connectionType(PlannedTag, 'PlannedTag');

@ObjectType('SyncPlan', { description: 'What a dry run found.', simpleResolvers: true })
export class SyncPlan {
  row!: PlanRow;

  @Field(() => Int, { description: 'Tags that would be added.' })
  tagsAdded!: number;

  @Field(() => Int, { description: 'Tags that would name another manifest.' })
  tagsMoved!: number;

  @Field(() => Int, { description: 'Tags that would be removed.' })
  tagsRemoved!: number;

  @Field(() => Int, { description: 'Blobs that would be fetched.' })
  blobsToFetch!: number;

  @Field(() => ByteCount, { description: 'Their bytes, as the manifests claim.' })
  bytesToFetch!: number;
}

export function toSyncPlan(row: PlanRow): SyncPlan {
  const { tagsAdded, tagsMoved, tagsRemoved, blobsToFetch, bytesToFetch } = row;
  return Object.assign(new SyncPlan(), {
    row,
    tagsAdded,
    tagsMoved,
    tagsRemoved,
    blobsToFetch,
    bytesToFetch,
  });
}

@InputType('TaskCancelInput', { description: 'A task to stop.' })
export class TaskCancelInput {
  @Field(() => ID, { description: 'The task.' })
  id!: string;
}

@ObjectType('TaskPayload', { description: 'A task that was asked for.', simpleResolvers: true })
export class TaskPayload {
  @Field(() => TaskType, {
    nullable: true,
    description:
      'The task; with SYNC_ALREADY_RUNNING the one that is running. Else null where there were mistakes.',
  })
  task!: TaskType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
