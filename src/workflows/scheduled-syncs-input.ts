/** Only ids and counts pass through Temporal (docs/design.md, rule 4). The schedules are read at each run. */
export interface ScheduledSyncsInput {
  /** The schedules with this specification are due. */
  readonly specification: string;
  /** The pages that earlier executions of this run have left. */
  readonly rest?: ScheduledSyncsRest;
}

export interface ScheduledSyncsRest {
  /** RFC 3339. */
  readonly dueAt: string;
  /** The last id before the next page, and the last ids of the pages. */
  readonly afterId: number;
  readonly pages: readonly number[];
  /** So far. */
  readonly counts: ScheduledSyncsResult;
}

/** Result of the workflow `scheduledSyncs`: schedules by the outcome of their runs. */
export interface ScheduledSyncsResult {
  readonly unchanged: number;
  readonly started: number;
  readonly skipped: number;
  /** Pages whose activity has failed. Their schedules are due again at the next moment. */
  readonly failedPages: number;
}

/** The workflow type. Temporal's schedules start it by name. */
export const scheduledSyncsType = 'scheduledSyncs';
