/** The shapes that the command line reads from the API, and the documents that ask for them. */

export interface ContentCounts {
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly signatures: number;
}

export interface ContentSummary {
  readonly present: ContentCounts;
  readonly added: ContentCounts;
  readonly removed: ContentCounts;
}

export interface Version {
  readonly id: string;
  readonly number: number;
  readonly createdAt: string;
  readonly contentSummary: ContentSummary;
}

export interface TaskProgress {
  readonly stage: string;
  readonly tagsTotal: number | null;
  readonly tagsDone: number;
  readonly manifestsTotal: number | null;
  readonly manifestsDone: number;
  readonly blobsTotal: number | null;
  readonly blobsDone: number;
  readonly blobsReused: number;
  readonly bytesTotal: number | null;
  readonly bytesDone: number;
  readonly bytesReused: number;
  readonly signaturesDone: number;
  readonly throttledUntil: string | null;
  readonly waitsFor: 'TURN' | 'SYNC_WINDOW' | 'QUOTA' | null;
  readonly waitsUntil: string | null;
}

export interface TaskUpstream {
  readonly url: string;
  readonly upstreamName: string;
  readonly isFallback: boolean;
  readonly hasList: boolean;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export type TaskState = 'WAITING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELED';

export interface Task {
  readonly id: string;
  readonly name: string;
  readonly state: TaskState;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly dryRun: boolean;
  readonly mirror: boolean;
  readonly pruneFiltered: boolean;
  readonly tagsOutsideFilter: number | null;
  readonly rateLimited: number;
  readonly failedTags: number;
  readonly warnings: readonly string[];
  readonly workflowId: string;
  readonly traceId: string | null;
  readonly temporalUrl: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly repository: { readonly id: string; readonly name: string } | null;
  readonly repositoryName: string | null;
  /** Options of this sync alone. */
  readonly overrides: {
    readonly includeTags: readonly string[] | null;
    readonly excludeTags: readonly string[] | null;
    readonly policy: string | null;
    readonly downloadConcurrency: number | null;
    readonly rules: readonly string[];
  } | null;
  /** Empty if the remote has no fallbacks. */
  readonly upstreams: readonly TaskUpstream[];
  readonly progress: TaskProgress;
  readonly createdVersion: Version | null;
}

export interface PlannedTag {
  readonly name: string;
  readonly change: 'ADDED' | 'MOVED' | 'REMOVED';
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

export interface SyncPlan {
  readonly tagsAdded: number;
  readonly tagsMoved: number;
  readonly tagsRemoved: number;
  readonly blobsToFetch: number;
  readonly bytesToFetch: number;
  readonly tags: { readonly nodes: readonly PlannedTag[] };
}

export const versionFields = `id number createdAt contentSummary {
  present { tags manifests blobs signatures } added { tags manifests blobs signatures }
  removed { tags manifests blobs signatures } }`;

export const taskFields = `id name state createdAt startedAt finishedAt dryRun mirror pruneFiltered tagsOutsideFilter rateLimited failedTags warnings workflowId traceId temporalUrl
  error { code message } repository { id name } repositoryName upstreams { url upstreamName isFallback hasList manifests blobs bytes } overrides { includeTags excludeTags policy downloadConcurrency rules } createdVersion { ${versionFields} }
  progress { stage tagsTotal tagsDone manifestsTotal manifestsDone blobsTotal blobsDone blobsReused
    bytesTotal bytesDone bytesReused signaturesDone throttledUntil waitsFor waitsUntil }`;

export const taskQuery = `query ($id: ID!) { task(id: $id) { ${taskFields} } }`;
export const taskSubscription = `subscription ($id: ID!) { taskProgress(id: $id) { ${taskFields} } }`;
export const planQuery = `query ($id: ID!) { task(id: $id) { plan {
  tagsAdded tagsMoved tagsRemoved blobsToFetch bytesToFetch
  tags(first: 100) { nodes { name change oldDigest newDigest } } } } }`;
export const cancelMutation = `mutation ($input: TaskCancelInput!) { taskCancel(input: $input) {
  task { ${taskFields} } userErrors { code field message } } }`;
export const syncMutation = `mutation ($input: RepositorySyncInput!) { repositorySync(input: $input) {
  task { ${taskFields} } userErrors { code field message } } }`;

/** Whether nothing more will happen to the task. */
export function isFinal(state: TaskState): boolean {
  return state === 'COMPLETED' || state === 'FAILED' || state === 'CANCELED';
}
