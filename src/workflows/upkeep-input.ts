/** Only ids, counts and digests pass through Temporal (docs/design.md, rule 4). */
export interface UpkeepInput {
  /** Absent where a schedule starts it: the run makes its task then. */
  readonly taskId?: number;
}

/** Started by name, too. */
export const collectWorkflowType = 'collectContent';

/** The workflow type of each task that is no sync, by the task's name. */
export const upkeepWorkflowTypes: ReadonlyMap<string, string> = new Map([
  ['content.collect', collectWorkflowType],
  ['content.verify', 'verifyContent'],
]);
