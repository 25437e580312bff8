import type { ScheduleKeeper } from '../db/schedules/schedule-groups.ts';
import type { SyncTrigger } from '../workflows/sync-input.ts';

export interface SyncStart {
  readonly taskId: number;
  /** `sync/<installation>/<repository id>` */
  readonly workflowId: string;
  readonly repositoryName: string;
  /** For the Temporal UI: host and port of the upstream. */
  readonly remoteHost?: string | null;
  /** Default: `MANUAL`. */
  readonly trigger?: SyncTrigger;
  /** The task's name where it is no sync: `content.collect`, `content.verify`, `rule.run`. */
  readonly taskName?: string;
  /** Of the run of a mirror rule. */
  readonly ruleName?: string | null;
}

/** One run of a task's workflow; without run id the latest. */
export interface SyncRun {
  readonly workflowId: string;
  readonly runId?: string | null | undefined;
}

/** Temporal's word for how far a run is; `NOT_FOUND` where Temporal knows none (any more). */
export interface SyncDescription {
  readonly status: string;
  readonly runId: string | undefined;
  /** The task that the run works for. */
  readonly taskId: number | undefined;
}

/** What operations ask of Temporal. Every call ends within 5 seconds. */
export interface WorkflowStarter {
  /**
   * Starts the sync of a task. When it was started already for the same task, that run is answered.
   * @throws TidemarkError `SYNC_ALREADY_RUNNING` when the workflow runs for another task, `TEMPORAL_UNAVAILABLE` (retryable) when
   * Temporal cannot be reached.
   */
  startSync(start: SyncStart): Promise<{ readonly runId: string }>;
  /** Asks for cancellation. False: there is no such run, or it has ended. @throws TidemarkError `TEMPORAL_UNAVAILABLE` */
  cancelSync(run: SyncRun): Promise<boolean>;
  /** @throws TidemarkError `TEMPORAL_UNAVAILABLE` */
  describeSync(run: SyncRun): Promise<SyncDescription>;
  readonly schedules: ScheduleKeeper;
}
