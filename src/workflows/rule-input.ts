/** Only ids pass through Temporal (docs/design.md, rule 4). */
export interface RuleInput {
  /** Absent when a schedule starts it: the run then creates its task. */
  readonly taskId?: number;
  /** Of a scheduled run. */
  readonly ruleId?: number;
  /** Set by an earlier run of the same workflow: the repositories are created, and the syncs go on. */
  readonly isSyncing?: boolean;
}

/** The workflow type. The API and Temporal's schedules start it by name. */
export const ruleWorkflowType = 'runMirrorRule';
