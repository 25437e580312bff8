import { ruleWorkflowType } from './rule-input.ts';

/** Only ids, counts and digests pass through Temporal (docs/design.md, rule 4). */
export interface UpkeepInput {
  /** Absent when a schedule starts it: the run then creates its task. */
  readonly taskId?: number;
}

export const collectWorkflowType = 'collectContent';

/** The workflow types of tasks other than syncs, by the name of the task. */
export const taskWorkflowTypes: ReadonlyMap<string, string> = new Map([
  ['content.collect', collectWorkflowType],
  ['content.verify', 'verifyContent'],
  ['rule.run', ruleWorkflowType],
]);
