import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import type { RuleChanges } from '../../selection/tag-rules.ts';
import { tagOutcomes } from '../../selection/tag-outcome.ts';
import { autoId, count, createdAt, key } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';
import type { RemotePolicy, RemoteSelection } from './remotes.ts';
import type { PolicyKey } from './signatures.ts';

export const taskStates = ['WAITING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] as const;
export type TaskState = (typeof taskStates)[number];

/** TURN: the maximum of syncs of the upstream's host is running. */
export const waitReasons = ['TURN', 'SYNC_WINDOW', 'QUOTA'] as const;
export type WaitReason = (typeof waitReasons)[number];

export const taskStages = [
  'PREPARING',
  'LISTING_TAGS',
  'FETCHING_MANIFESTS',
  'FETCHING_BLOBS',
  'FETCHING_SIGNATURES',
  'COMMITTING',
  'FINISHED',
] as const;
export type TaskStage = (typeof taskStages)[number];

/** Arguments of `repositorySync`, in `Task.arguments`. */
export interface SyncArguments {
  readonly mirror: boolean;
  readonly confirmRemoval: boolean;
  readonly dryRun: boolean;
  /** Whether upstreams may have loopback and private addresses: true if the API that took the sync listens on loopback. */
  readonly allowPrivate?: boolean;
  /** The remote's selection when the sync began, with the overrides applied; absent before. */
  readonly selection?: RemoteSelection;
  /** Options of this sync alone. */
  readonly overrides?: SyncOverrides;
  /** Whether a mirror sync also removes the tags that the filters exclude. */
  readonly pruneFiltered?: boolean;
  /** Absent: a person started it. */
  readonly trigger?: 'SCHEDULE';
  /** Whether the repository was created for this sync, and is deleted if the sync fails. */
  readonly discardUnlessSynced?: boolean;
  /** Name of the repository, once that is deleted. */
  readonly repositoryName?: string;
}

/** Null clears a filter. */
export interface SyncOverrides {
  readonly policy?: RemotePolicy;
  readonly includeTags?: readonly string[] | null;
  readonly excludeTags?: readonly string[] | null;
  readonly downloadConcurrency?: number;
  readonly tagRules?: RuleChanges;
}

/** The overrides that change the selection of tags. */
export const selectionOverrides = ['includeTags', 'excludeTags', 'tagRules'] as const;

/** Whether a sync has its own selection of tags. */
export function overridesSelection(overrides: SyncOverrides = {}): boolean {
  return selectionOverrides.some((field) => field in overrides);
}

export interface UpkeepArguments {
  readonly dryRun: boolean;
  /** Absent: a person started it. */
  readonly trigger?: 'SCHEDULE';
}

/** Counts of a clean-up or verification, by name. */
export type UpkeepReport = Readonly<Partial<Record<string, number>>>;

export const Task = defineEntity({
  name: 'Task',
  properties: {
    id: autoId,
    name: p.text(),
    state: p.enum(taskStates).default('WAITING'),
    stage: p.enum(taskStages).default('PREPARING'),
    repositoryId: p.bigint('number').nullable(),
    remoteId: p.bigint('number').nullable(),
    /** Of the run of a mirror rule. */
    ruleId: p.bigint('number').nullable(),
    /** Host and port of the remote's URL. */
    upstreamHost: p.text().nullable(),
    arguments: p.json<SyncArguments>().defaultRaw("'{}'"),
    workflowId: p.text(),
    runId: p.text().nullable(),
    /** Of OpenTelemetry; null: created without tracing. */
    traceId: p.text().nullable(),
    fence: p.bigint('number').nullable(),
    createdAt,
    startedAt: p.datetime().nullable(),
    /** Of a WAITING task; null: it is about to start. */
    waitsFor: p.enum(waitReasons).nullable(),
    waitsUntil: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
    createdVersion: p.integer().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    tagsTotal: p.integer().nullable(),
    /** Tags of the repository that the filters exclude; of mirror syncs only. */
    tagsOutsideFilter: p.integer().nullable(),
    manifestsTotal: p.integer().nullable(),
    blobsTotal: p.integer().nullable(),
    bytesTotal: p.bigint('number').nullable(),
    /** The list of tags that is used: a later attempt makes a new one. */
    listing: p.integer().nullable(),
    /** What another Tidemark announced with its list of tags, or with the difference. */
    upstreamState: p.text().nullable(),
    /** When the whole list was last read. */
    listedAt: p.datetime().nullable(),
    /** The sync before, to which the tags listed here are the difference; null: the whole list was read. */
    differenceOf: p.bigint('number').nullable(),
    signatureSource: p.enum(['STORE', 'EXTENSION'] as const).nullable(),
    /** The policy that checked the staging rows; null: none was in force. */
    checkedBy: p.json<PolicyKey>().nullable(),
    report: p.json<UpkeepReport>().nullable(),
    /** The caller whose rights it has. */
    startedBy: p.json<Identity>().nullable(),
  },
});
export type Task = InferEntity<typeof Task>;

/** Warnings that differ in a name alone share a row. */
export const TaskWarning = defineEntity({
  name: 'TaskWarning',
  properties: {
    taskId: key,
    number: p.integer().primary(),
    message: p.text(),
    /** The message without the name. */
    shape: p.text().nullable(),
    names: p.array().columnType('text[]').default([]),
  },
});

/** Counts of one part of a stage. Readers see the sum. */
export const TaskProgress = defineEntity({
  name: 'TaskProgress',
  properties: {
    taskId: key,
    stage: p.text().primary(),
    part: p.integer().primary(),
    tagsDone: count,
    manifestsDone: count,
    blobsDone: count,
    blobsReused: count,
    bytesDone: p.bigint('number').default(0),
    bytesReused: p.bigint('number').default(0),
    signaturesDone: count,
    rateLimited: count,
  },
});

/** How long a sync has waited for a throttled host since its last progress. */
export const TaskThrottle = defineEntity({
  name: 'TaskThrottle',
  properties: {
    taskId: key.autoincrement(false),
    mark: p.bigint('number'),
    waitedMs: p.bigint('number'),
    waits: p.integer(),
  },
});

/** The result of a dry run. */
export const TaskPlan = defineEntity({
  name: 'TaskPlan',
  properties: {
    taskId: key.autoincrement(false),
    tagsAdded: p.integer(),
    tagsMoved: p.integer(),
    tagsRemoved: p.integer(),
    blobsToFetch: p.integer(),
    bytesToFetch: p.bigint('number'),
  },
});

/** What a sync or a dry run did with a tag. There are no rows for UNCHANGED, FILTERED and BEYOND_NEWEST. */
export const TaskTag = defineEntity({
  name: 'TaskTag',
  properties: {
    taskId: key,
    name: p.text().primary(),
    outcome: p.enum(tagOutcomes),
    reason: p.text().nullable(),
    oldDigest: p.text().nullable(),
    newDigest: p.text().nullable(),
  },
});

export const TaskTagCount = defineEntity({
  name: 'TaskTagCount',
  properties: { taskId: key, outcome: p.enum(tagOutcomes).primary(), count: p.integer() },
});

export const tasksTables = [Task, TaskWarning, TaskProgress, TaskThrottle, TaskPlan, TaskTag, TaskTagCount];
