import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/*
 * Side look-ups are requests beside the images: for a signature store, referrers, companion tags, and tags that a mirror is about to
 * remove. They decide nothing about an image. A failed one is a warning, and present content stays.
 */

export type SideKind = 'referrers' | 'companion' | 'signatures' | 'removal';

/** Failures of one kind in a row before look-ups are skipped. */
const patience = 5;
/** Look-ups that are skipped before the next attempt. Each failed attempt doubles the number. */
const firstSkip = 10;
/** How often a sync waits for a throttled host before it goes on without side look-ups. */
const waitsForOthers = 4;

interface Circuit {
  failures: number;
  toSkip: number;
  /** Whether an attempt is under way. Other look-ups are skipped meanwhile. */
  isProbing: boolean;
  nextSkip: number;
  last: TidemarkError | undefined;
}

/** By client, which belongs to one sync on one worker. */
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

/** Runs a side look-up. While look-ups of its kind fail, most are skipped with the error of the last failure. */
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

/** Refusals and faults say nothing about the requested content. A wrong answer concerns its own manifest only. */
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

/** Whether the request was skipped because others of its kind failed. */
export function wasSkipped(error: TidemarkError): boolean {
  return skipped.has(error);
}

/**
 * Whether a side look-up has failed for good, which is a warning. A request that was held back for a throttled host waits like all
 * requests. With `isKnown`, when the upstream has announced the content, the first few 429s wait too.
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
