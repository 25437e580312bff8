/** Only ids pass through Temporal (docs/design.md, rule 4): what the schedule says is read when it runs. */
export interface ScheduledSyncInput {
  readonly scheduleId: number;
  /** Temporal's id of the schedule. */
  readonly temporalId: string;
}

/** Answer of the workflow `scheduledSync`. */
export interface ScheduledSyncResult {
  /** The task whose sync was started; null when the run was skipped. */
  readonly taskId: number | null;
  /** Why it was skipped. */
  readonly skipped: string | null;
}

/** The workflow type's name, started by Temporal's schedules by name. */
export const scheduledSyncType = 'scheduledSync';
