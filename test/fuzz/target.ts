/** A parser under attack. */
export interface FuzzTarget {
  readonly name: string;
  /** Words of its language, and what broke a parser like it. */
  readonly dictionary: readonly string[];
  /** Around what is generated, so that it reaches the part that is meant. */
  readonly frames: readonly (readonly [before: string, after: string])[];
  /** The parser alone: what the budget is for. @returns what `verify` looks at */
  readonly parse: (input: string) => unknown;
  /** @throws where the outcome breaks a promise: an unexpected error, or another answer than the oracle's. */
  readonly verify: (input: string, outcome: Outcome) => void | Promise<void>;
}

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Of thread time, for one input: that of a loaded machine does not count, since a thread that waits spends none. */
export const budgetMs = 50;
/** The input of the largest document that a manifest may be is parsed elsewhere; here inputs have at most so many characters. */
export const inputMaxLength = 64 * 1024;

export function outcomeOf(target: FuzzTarget, input: string): { outcome: Outcome; cpuMs: number } {
  const before = process.threadCpuUsage();
  let outcome: Outcome;
  try {
    outcome = { value: target.parse(input) };
  } catch (error) {
    outcome = { error };
  }
  const { user, system } = process.threadCpuUsage(before);
  return { outcome, cpuMs: (user + system) / 1_000 };
}

/** Runs one input; a second time where it was slow, since garbage of others is collected on somebody's time. */
export async function attack(
  target: FuzzTarget,
  input: string,
): Promise<{ cpuMs: number; failure?: string }> {
  let { outcome, cpuMs } = outcomeOf(target, input);
  if (cpuMs > budgetMs) cpuMs = Math.min(cpuMs, outcomeOf(target, input).cpuMs);
  if (cpuMs > budgetMs) return { cpuMs, failure: `took ${cpuMs.toFixed(1)} ms of processor time` };
  try {
    await target.verify(input, outcome);
    return { cpuMs };
  } catch (error) {
    return { cpuMs, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
