/** Only ids, counts and digests pass through Temporal (DESIGN, idea 4). */
export interface UpkeepInput {
  /** Absent where a schedule starts it: the run makes its task then. */
  readonly taskId?: number;
}

/** The workflow types' names, started by name. */
export const collectWorkflowType = 'collectContent';
export const verifyWorkflowType = 'verifyContent';
