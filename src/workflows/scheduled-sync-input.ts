/** Only ids pass through Temporal (docs/design.md, rule 4). The schedule's settings are read at each run. */
export interface ScheduledSyncInput {
  readonly scheduleId: number;
  /** Temporal's id of the schedule. */
  readonly temporalId: string;
}

/** Result of the workflow `scheduledSync`. */
export interface ScheduledSyncResult {
  /** The task whose sync was started; null when the run was skipped, or nothing has changed. */
  readonly taskId: number | null;
  /** Why it was skipped; null when a sync was started, or nothing has changed. */
  readonly skipped: string | null;
}

/** The workflow type. Temporal's schedules start it by name. */
export const scheduledSyncType = 'scheduledSync';
