/** Only ids, counts and digests pass through Temporal (DESIGN, idea 4). */
export interface SyncInput {
  readonly taskId: number;
  /** For the Temporal UI's summary. */
  readonly repositoryName: string;
}

/** Answer of the workflow `syncRepository`. */
export interface SyncResult {
  /** Number of the new version; null when nothing had changed, or for a dry run. */
  readonly createdVersion: number | null;
}

/** The workflow type's name, started by the API by name. */
export const syncWorkflowType = 'syncRepository';
