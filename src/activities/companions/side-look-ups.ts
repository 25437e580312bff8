import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/*
 * Side look-ups ask for what only accompanies images: whether there is a signature store, what refers to a manifest, companion tags, what a
 * mirror is about to remove. They decide nothing about the image: one that fails is a warning, and what is here stays.
 */

export type SideKind = 'referrers' | 'companion' | 'signatures' | 'removal';

/** So many failures of one kind, one after the other, and it is asked less. */
const patience = 5;
/** Then so many are left out before the next is tried, and twice as many after each that fails. */
const firstSkip = 10;
/** How often a sync waits for a throttled host before it does without what accompanies its images. */
const waitsForOthers = 4;

interface Circuit {
  failures: number;
  toSkip: number;
  /** Whether one is asked to find out whether the others may be: those wait for nothing meanwhile. */
  isProbing: boolean;
  nextSkip: number;
  last: TidemarkError | undefined;
}

/** By client: those of one sync on one worker. */
const circuits = new WeakMap<Registry, Map<SideKind, Circuit>>();

function circuitOf(registry: Registry, kind: SideKind): Circuit {
  const kinds = circuits.get(registry) ?? new Map<SideKind, Circuit>();
  circuits.set(registry, kinds);
  const circuit = kinds.get(kind) ?? {
    failures: 0,
    toSkip: 0,
    isProbing: false,
    nextSkip: firstSkip,
    last: undefined,
  };
  kinds.set(kind, circuit);
  return circuit;
}

/**
 * One side look-up. While those of its kind fail one after the other, most are not asked, and fail with the error of the last that was.
 */
export async function askAside<T>(
  { registry }: Pick<SyncContext, 'registry'>,
  kind: SideKind,
  work: () => Promise<T>,
): Promise<T> {
  const circuit = circuitOf(registry, kind);
  const isOpen = circuit.failures >= patience;
  if (isOpen && circuit.last !== undefined && (circuit.isProbing || circuit.toSkip > 0)) {
    circuit.toSkip = Math.max(0, circuit.toSkip - 1);
    throw notAsked(circuit.last);
  }
  if (isOpen) circuit.isProbing = true;
  try {
    const answer = await work();
    Object.assign(circuit, { failures: 0, toSkip: 0, nextSkip: firstSkip, last: undefined });
    return answer;
  } catch (error) {
    if (isAnswerless(error)) noteFailure(circuit, error);
    throw error;
  } finally {
    if (isOpen) circuit.isProbing = false;
  }
}

function noteFailure(circuit: Circuit, error: TidemarkError): void {
  circuit.failures += 1;
  circuit.last = error;
  if (circuit.failures < patience || circuit.toSkip > 0) return;
  circuit.toSkip = circuit.nextSkip;
  circuit.nextSkip *= 2;
}

/** Refusals and faults, which say nothing of what was asked for; an answer that is wrong is about its own manifest. */
function isAnswerless(error: unknown): error is TidemarkError {
  return (
    isTidemarkError(error) &&
    error.origin === 'upstream' &&
    error.code !== 'UPSTREAM_THROTTLED' &&
    (error.retryable || error.status === 401 || error.status === 403)
  );
}

const skipped = new WeakSet<TidemarkError>();

function notAsked({ code, message, status }: TidemarkError): TidemarkError {
  const error = new TidemarkError(code, message, status === undefined ? {} : { status });
  skipped.add(error);
  return error;
}

/** Whether the request was left out, because others of its kind have failed. */
export function wasSkipped(error: TidemarkError): boolean {
  return skipped.has(error);
}

/**
 * Whether a side look-up has failed for good: a warning then. One that was not sent, because the host is throttled, waits as all requests
 * do; and where upstream has told of what is asked for (`isKnown`), so do the first few that were answered 429.
 */
export function isSideFailure(
  error: unknown,
  sync: Pick<SyncContext, 'throttles'>,
  isKnown = false,
): error is TidemarkError {
  if (!isTidemarkError(error) || error.origin !== 'upstream' || error.code === 'UPSTREAM_THROTTLED')
    return false;
  return !(isKnown && error.code === 'UPSTREAM_RATE_LIMITED' && sync.throttles < waitsForOthers);
}
