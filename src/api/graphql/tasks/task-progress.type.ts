import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Task } from '../../../db/schema/tasks.ts';
import type { TaskCounts } from '../../../db/tasks/tasks.ts';
import { ByteCount, DateTime } from '../scalars.ts';

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

const WaitReasonEnum = { TURN: 'TURN', SYNC_WINDOW: 'SYNC_WINDOW', QUOTA: 'QUOTA' } as const;
type WaitReason = keyof typeof WaitReasonEnum;

registerEnumType(WaitReasonEnum, {
  name: 'WaitReason',
  description: 'Why a sync is WAITING.',
  valuesConfig: {
    TURN: { description: "The maximum of syncs of the upstream's host is running." },
    SYNC_WINDOW: { description: 'No sync window of the remote (`Remote.syncWindows`) is open.' },
    QUOTA: {
      description: "What is left of the registry's quota is reserved (`Remote.reserveRequests`).",
    },
  },
});

registerEnumType(TaskStageEnum, {
  name: 'TaskStage',
  description: 'Stages of a sync, in order. A task that failed or was canceled keeps its last stage.',
  valuesConfig: {
    PREPARING: { description: 'Reads the remote and its filters.' },
    LISTING_TAGS: { description: 'Lists the tags of the upstream.' },
    FETCHING_MANIFESTS: { description: 'Fetches the manifests below the selected tags.' },
    FETCHING_BLOBS: { description: 'Fetches configs and layers that are not stored yet.' },
    FETCHING_SIGNATURES: { description: 'Fetches signatures.' },
    COMMITTING: { description: 'Creates the new version, in one transaction.' },
    FINISHED: { description: 'Completed.' },
  },
});

@ObjectType('TaskProgress', {
  description: 'Progress of a task. Counts never decrease. A total is null until it is known.',
  simpleResolvers: true,
})
export class TaskProgressType {
  @Field(() => TaskStageEnum, { description: 'The current stage.' })
  stage!: TaskStage;

  @Field(() => Int, { nullable: true, description: 'Tags that the filters select; null until known.' })
  tagsTotal!: number | null;

  @Field(() => Int, { description: 'Tags whose manifests are processed.' })
  tagsDone!: number;

  @Field(() => Int, { nullable: true, description: 'Manifests below the selected tags; null until known.' })
  manifestsTotal!: number | null;

  @Field(() => Int, { description: 'Manifests that were fetched or already stored.' })
  manifestsDone!: number;

  @Field(() => Int, { nullable: true, description: 'Blobs below the selected tags; null until known.' })
  blobsTotal!: number | null;

  @Field(() => Int, { description: 'Stored blobs, including those that were stored before.' })
  blobsDone!: number;

  @Field(() => Int, { description: 'Blobs that were stored before.' })
  blobsReused!: number;

  @Field(() => ByteCount, { nullable: true, description: 'Bytes of the blobs; null until known.' })
  bytesTotal!: number | null;

  @Field(() => ByteCount, {
    description: 'Received bytes, including those of unfinished and of previously stored blobs.',
  })
  bytesDone!: number;

  @Field(() => ByteCount, {
    description:
      'Bytes that this task did not have to fetch: of previously stored blobs, and the parts that earlier tasks had fetched.',
  })
  bytesReused!: number;

  @Field(() => Int, { description: 'Fetched signatures.' })
  signaturesDone!: number;

  @Field(() => DateTime, {
    nullable: true,
    description:
      "End of a pause that the upstream's host asked for with 429 (too many requests); null while there is none. The task then continues " +
      'automatically.',
  })
  throttledUntil!: Date | null;

  @Field(() => WaitReasonEnum, {
    nullable: true,
    description: 'Why a WAITING sync does not run; null: it does not wait, or is about to start.',
  })
  waitsFor!: WaitReason | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sync looks again: its window opens, or the quota may be free; null: unknown.',
  })
  waitsUntil!: Date | null;
}

export function toProgress(row: Task, counts: TaskCounts | undefined): TaskProgressType {
  return Object.assign(new TaskProgressType(), {
    stage: row.stage,
    tagsTotal: row.tagsTotal ?? null,
    tagsDone: atMost(counts?.tagsDone, row.tagsTotal),
    manifestsTotal: row.manifestsTotal ?? null,
    manifestsDone: atMost(counts?.manifestsDone, row.manifestsTotal),
    blobsTotal: row.blobsTotal ?? null,
    blobsDone: atMost(counts?.blobsDone, row.blobsTotal),
    blobsReused: atMost(counts?.blobsReused, row.blobsTotal),
    bytesTotal: row.bytesTotal ?? null,
    bytesDone: atMost(counts?.bytesDone, row.bytesTotal),
    bytesReused: atMost(counts?.bytesReused, row.bytesTotal),
    signaturesDone: counts?.signaturesDone ?? 0,
    throttledUntil: counts?.throttledUntil ?? null,
    waitsFor: row.state === 'WAITING' ? (row.waitsFor ?? null) : null,
    waitsUntil: row.state === 'WAITING' ? (row.waitsUntil ?? null) : null,
  });
}

/** Work that an attempt and its retry both counted does not exceed the total. */
function atMost(done: number | undefined, total: number | null | undefined): number {
  return Math.min(done ?? 0, total ?? Number.MAX_SAFE_INTEGER);
}
