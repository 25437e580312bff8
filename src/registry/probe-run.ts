import { isTidemarkError } from '../oci/error.ts';
import type { TidemarkError } from '../oci/error.ts';
import type { ProbeOutcome, ProbeStep, ProbeStepName, RegistryProbe } from '../oci/hosts/registry-probe.ts';
import type { RegistryOptions } from './registry.ts';
import type { Requester } from './requester.ts';

export interface ProbeOptions {
  /** Whether the remote's filters need the list of tags. */
  readonly needsListing: boolean;
  /** The tag for HEAD; default: one of the list. */
  readonly tag?: string | undefined;
  readonly signal: AbortSignal;
}

/** One test, to which its steps add. */
export interface ProbeRun {
  readonly requester: Requester;
  readonly base: string;
  readonly registry: RegistryOptions;
  readonly options: ProbeOptions;
  readonly steps: ProbeStep[];
  readonly found: { -readonly [K in keyof Omit<RegistryProbe, 'steps'>]: RegistryProbe[K] };
}

/** @returns the error of the work. An abort by the caller is thrown. */
export async function attempt(
  run: ProbeRun,
  work: () => Promise<unknown>,
): Promise<TidemarkError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return error;
  }
}

/** Records a finding. */
export function add(
  run: ProbeRun,
  name: ProbeStepName,
  what: string | TidemarkError,
  outcome?: ProbeOutcome,
): void {
  if (typeof what === 'string') run.steps.push({ name, outcome: outcome ?? 'PASSED', message: what });
  else run.steps.push({ name, outcome: outcome ?? 'FAILED', message: what.message, code: what.code });
}
