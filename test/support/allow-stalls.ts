export interface StallAllowance {
  readonly ms: number;
  readonly reason: string;
}

let allowance: StallAllowance | undefined;

/** For a test file that does long work itself, in the thread where the API and the worker run too. The report shows the reason. */
export function allowStalls(ms: number, reason: string): void {
  allowance = { ms, reason };
}

export function stallAllowance(): StallAllowance | undefined {
  return allowance;
}
