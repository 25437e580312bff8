/** Only ids, counts and digests pass through Temporal (docs/design.md, rule 4). */
export interface SyncInput {
  readonly taskId: number;
  /** For the Temporal UI's summary. */
  readonly repositoryName: string;
}

/** Result of the workflow `syncRepository`. */
export interface SyncResult {
  /** Number of the new version; null when nothing changed, and for a dry run. */
  readonly createdVersion: number | null;
}

/** What started a sync. */
export type SyncTrigger = 'MANUAL' | 'SCHEDULE';

/** The memo of a sync's workflow. */
export interface SyncNames {
  readonly repositoryName: string;
  /** Host and port of the upstream; null: unknown. */
  readonly remoteHost: string | null;
  readonly trigger: SyncTrigger;
  /** Page of the task in the web console; absent: its address is unknown. */
  readonly taskUrl?: string;
}

/** Temporal refuses longer ones. */
const summaryMaxBytes = 400;

/** One line, for the Temporal UI. */
export function summarizeSync({ repositoryName, remoteHost, trigger }: SyncNames): string {
  const from = remoteHost === null ? '' : ` from ${remoteHost}`;
  const what = trigger === 'SCHEDULE' ? 'scheduled sync' : 'sync';
  return summaryOf(`${what} of ${repositoryName}${from}`);
}

/** What the Temporal UI shows of a sync. */
export function describeSyncRun(taskId: number, names: SyncNames) {
  return {
    memo: { taskId, ...names },
    staticSummary: summarizeSync(names),
    ...(names.taskUrl === undefined ? {} : { staticDetails: linkTask(names.taskUrl) }),
  };
}

/** Markdown, for the Temporal UI. */
export function linkTask(taskUrl: string): string {
  return `[Task in Tidemark](${taskUrl})`;
}

/** As Temporal takes it. */
export function summaryOf(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, summaryMaxBytes);
}

/** The workflow type. The API starts it by name. */
export const syncWorkflowType = 'syncRepository';

/** The error of a sync whose tags come from an upstream that has failed, while the remote has others. */
export const upstreamLost = 'UPSTREAM_LOST';
