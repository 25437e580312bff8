import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import type { SignerIdentity } from '../../oci/signatures/signature-rules.ts';
import type { FurtherRules } from '../../selection/tag-filter.ts';
import { AccessGrant, AccessToken } from './access-entities.ts';
import { Blob, Manifest } from './content-entities.ts';
import type { Identity } from './identity.ts';

/* Rows that are read and written one at a time. */

export const remotePolicies = ['IMMEDIATE', 'ON_DEMAND', 'STREAMED'] as const;
export type RemotePolicy = (typeof remotePolicies)[number];

const timestamps = {
  createdAt: p.datetime().onCreate(() => new Date()),
  updatedAt: p
    .datetime()
    .onCreate(() => new Date())
    .onUpdate(() => new Date()),
};

export const signatureFailures = ['SKIP_TAG', 'FAIL_SYNC'] as const;
export type SignatureFailure = (typeof signatureFailures)[number];

/** Who has to have signed; `oci/signature-rules.ts` says what the rules mean. */
export const SignaturePolicy = defineEntity({
  name: 'SignaturePolicy',
  tableName: 'signature_policy',
  properties: {
    id: p.bigint('number').primary(),
    name: p.text(),
    // not text[]: an array's texts would come back trimmed
    keys: p.json<readonly string[]>().default([]),
    openPgpKeys: p.json<readonly string[]>().default([]),
    identities: p.json<readonly SignerIdentity[]>().default([]),
    trustedRoot: p.text().nullable(),
    dockerReference: p.text().nullable(),
    onFailure: p.enum(signatureFailures).default('SKIP_TAG'),
    /** Raised by each change of what is trusted. */
    revision: p.integer().default(1),
    ...timestamps,
  },
});
export type SignaturePolicy = InferEntity<typeof SignaturePolicy>;

/** An upstream repository and how to reach it. Columns that end in `Sealed` hold what `access/secrets.ts` encrypted. */
export const Remote = defineEntity({
  name: 'Remote',
  tableName: 'remote',
  properties: {
    id: p.bigint('number').primary(),
    name: p.text(),
    url: p.text(),
    upstreamName: p.text(),
    policy: p.enum(remotePolicies).default('IMMEDIATE'),
    includeTags: p.array().columnType('text[]').nullable(),
    excludeTags: p.array().columnType('text[]').nullable(),
    tagRules: p.json<FurtherRules>().onCreate(() => ({})),
    sigstore: p.text().nullable(),
    downloadConcurrency: p.integer().default(20),
    totalTimeout: p.float().nullable(),
    connectTimeout: p.float().nullable(),
    sockReadTimeout: p.float().nullable(),
    maxRetries: p.integer().default(3),
    rateLimit: p.integer().nullable(),
    proxyUrl: p.text().nullable(),
    proxyUrlSealed: p.text().nullable(),
    sslCaCertificate: p.text().nullable(),
    sslClientCertificate: p.text().nullable(),
    sslClientKeySealed: p.text().nullable(),
    sslValidation: p.boolean().default(true),
    followLayerUrls: p.boolean().default(false),
    headerNames: p.array().columnType('text[]').default([]),
    headersSealed: p.text().nullable(),
    username: p.text().nullable(),
    passwordSealed: p.text().nullable(),
    /** Hosts that may ask for the credentials as token realm, though of another domain (fault 13). */
    realmHosts: p.array().columnType('text[]').default([]),
    signaturePolicyId: p.bigint('number').nullable(),
    ...timestamps,
  },
});
export type Remote = InferEntity<typeof Remote>;

export const Repository = defineEntity({
  name: 'Repository',
  tableName: 'repository',
  properties: {
    id: p.bigint('number').primary(),
    name: p.text(),
    description: p.text().nullable(),
    remoteId: p.bigint('number').nullable(),
    retainVersions: p.integer().nullable(),
    /** Number of the latest version; 0 before the first. */
    latest: p.integer().default(0),
    /** Raised by each task that may commit; a commit with an older fence is refused (fault 96). */
    fence: p.bigint('number').default(0),
    isMirrored: p.boolean().default(false),
    /** Takes the place of the remote's. */
    signaturePolicyId: p.bigint('number').nullable(),
    ...timestamps,
  },
});
export type Repository = InferEntity<typeof Repository>;

/** What is served where: `/v2/<basePath>/` leads to a repository. One of each repository is at its own name. */
export const Distribution = defineEntity({
  name: 'Distribution',
  tableName: 'distribution',
  properties: {
    id: p.bigint('number').primary(),
    /** A repository name by the OCI grammar. */
    basePath: p.text(),
    repositoryId: p.bigint('number'),
    /** The version that is pinned; null follows the latest. */
    version: p.integer().nullable(),
    /** Whether only those who may read it see it. */
    isPrivate: p.boolean().default(false),
    /** Whether that was said, or logins were on; `db/earlier-distributions.ts` says what it is otherwise. */
    isDecided: p.boolean().default(false),
    /** Whether a tag or digest that is not there is looked for at the repository's remote, and kept. */
    pullThrough: p.boolean().default(false),
    /** What is served has to be verified by it. */
    signaturePolicyId: p.bigint('number').nullable(),
    /** Who pointed it at what it serves; null for the one at a repository's own name, and where that was before this was kept. */
    pointedBy: p.json<Identity>().nullable(),
    ...timestamps,
  },
});
export type Distribution = InferEntity<typeof Distribution>;

export interface ContentCounts {
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
  readonly signatures: number;
}

export interface VersionCounts {
  readonly present: ContentCounts;
  readonly added: ContentCounts;
  readonly removed: ContentCounts;
}

export const RepositoryVersion = defineEntity({
  name: 'RepositoryVersion',
  tableName: 'repository_version',
  properties: {
    repositoryId: p.bigint('number').primary(),
    number: p.integer().primary(),
    createdAt: p.datetime(),
    taskId: p.bigint('number').nullable(),
    baseNumber: p.integer().nullable(),
    counts: p.json<VersionCounts>(),
  },
});
export type RepositoryVersion = InferEntity<typeof RepositoryVersion>;

export const taskStates = ['WAITING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] as const;
export type TaskState = (typeof taskStates)[number];

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

/** What `repositorySync` was asked for; kept in `Task.arguments`. */
export interface SyncArguments {
  readonly mirror: boolean;
  readonly confirmRemoval: boolean;
  readonly dryRun: boolean;
  /** Whether the API that took the sync lets upstreams be on loopback and private addresses: while it listens on loopback itself. */
  readonly allowPrivate?: boolean;
  /** What the remote selected when the sync began, with the overrides applied; absent before. */
  readonly selection?: RemoteSelection;
  /** Options of this sync alone; the remote keeps its own. */
  readonly overrides?: SyncOverrides;
  /** Whether a mirror sync also removes the tags that the filters leave out. */
  readonly pruneFiltered?: boolean;
  /** What started it; absent: a person. */
  readonly trigger?: 'SCHEDULE';
  /** Whether the repository was made for this sync, and goes with it unless it is synced. */
  readonly discardUnlessSynced?: boolean;
}

/** Null clears a filter. */
export interface SyncOverrides {
  readonly policy?: RemotePolicy;
  readonly includeTags?: readonly string[] | null;
  readonly excludeTags?: readonly string[] | null;
  readonly downloadConcurrency?: number;
}

export interface UpkeepArguments {
  readonly dryRun: boolean;
  /** What started it; absent: a person. */
  readonly trigger?: 'SCHEDULE';
}

/** Counts of a clean-up or verification, by name. */
export type UpkeepReport = Readonly<Partial<Record<string, number>>>;

/** What decides on the content of a sync: it must be the same from its first step to its last, whatever becomes of the remote. */
export type RemoteSelection = Pick<
  Remote,
  'url' | 'upstreamName' | 'policy' | 'includeTags' | 'excludeTags'
> &
  Partial<Pick<Remote, 'tagRules'>>;

export const Task = defineEntity({
  name: 'Task',
  tableName: 'task',
  properties: {
    id: p.bigint('number').primary(),
    name: p.text(),
    state: p.enum(taskStates).default('WAITING'),
    stage: p.enum(taskStages).default('PREPARING'),
    repositoryId: p.bigint('number').nullable(),
    remoteId: p.bigint('number').nullable(),
    /** Host and port of the remote's URL. */
    upstreamHost: p.text().nullable(),
    arguments: p.json<SyncArguments>(),
    workflowId: p.text(),
    runId: p.text().nullable(),
    fence: p.bigint('number').nullable(),
    createdAt: p.datetime().onCreate(() => new Date()),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
    createdVersion: p.integer().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    tagsTotal: p.integer().nullable(),
    /** Tags of the repository that the filters leave out; of mirror syncs only. */
    tagsOutsideFilter: p.integer().nullable(),
    manifestsTotal: p.integer().nullable(),
    blobsTotal: p.integer().nullable(),
    bytesTotal: p.bigint('number').nullable(),
    report: p.json<UpkeepReport>().nullable(),
    /** With whose rights it works. */
    startedBy: p.json<Identity>().nullable(),
  },
});
export type Task = InferEntity<typeof Task>;

/** A repository's sync that comes again by itself. What Temporal is to have of it is made from this row (`db/temporal-schedules.ts`). */
export const Schedule = defineEntity({
  name: 'Schedule',
  tableName: 'schedule',
  properties: {
    id: p.bigint('number').primary(),
    repositoryId: p.bigint('number'),
    /** Null: the repository's own remote, whichever that is at the run. */
    remoteId: p.bigint('number').nullable(),
    /** Exactly one of `cron` and `intervalSeconds` is set. */
    cron: p.text().nullable(),
    intervalSeconds: p.integer().nullable(),
    timeZone: p.text(),
    jitterSeconds: p.integer(),
    catchupWindowSeconds: p.integer(),
    mirror: p.boolean(),
    /** As in `SyncArguments`: of the API that last took the schedule. */
    allowPrivate: p.boolean(),
    paused: p.boolean(),
    note: p.text().nullable(),
    /** Who made it, or last changed what it does: its syncs work with their rights. */
    madeBy: p.json<Identity>().nullable(),
    /** Counts the changes; Temporal has been told of all when `temporalRevision` is the same. */
    revision: p.integer().default(1),
    temporalRevision: p.integer().nullable(),
    /** Why Temporal refused it. */
    temporalProblem: p.text().nullable(),
    /** What Temporal said when it was last asked; those that have passed included. */
    nextRunAts: p
      .array((time) => new Date(time))
      .columnType('timestamptz[]')
      .default([]),
    ...timestamps,
  },
});
export type Schedule = InferEntity<typeof Schedule>;

export const entities = [
  SignaturePolicy,
  Remote,
  Repository,
  Distribution,
  RepositoryVersion,
  Task,
  Schedule,
  Blob,
  Manifest,
  AccessToken,
  AccessGrant,
];
